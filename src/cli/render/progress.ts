// One line on stderr that says how far a long command has come; nothing where stderr is no terminal.
import { sayPlural } from './words.ts';

const everyMs = 100;
const clearLine = '\r\u001b[K';

export interface Progress {
  show(text: string): void;
  /** Takes the line away. */
  end(): void;
}

export function openProgress(stream: { readonly isTTY?: boolean; write(text: string): unknown }): Progress {
  let shownAt = -Infinity;
  return {
    show(text) {
      const now = performance.now();
      if (stream.isTTY !== true || now - shownAt < everyMs) return;
      shownAt = now;
      stream.write(`${clearLine}tapes: ${text}`);
    },
    end() {
      if (shownAt !== -Infinity) stream.write(clearLine);
    },
  };
}

/** While a recording is put on disk: what is left. */
export function sayLeft(events: number): string {
  const what = events === 0 ? 'putting the recording on disk' : `recording what is left, ${sayPlural(events, 'event')}`;
  return `${what} (Ctrl-C leaves it out)`;
}
