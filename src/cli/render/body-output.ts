// Where bytes that others wrote go to stdout as they are: into a pipe or a file byte for byte, onto a terminal as text that moves no cursor.
import { safeText } from './safe-text.ts';

export interface BodyOutput {
  /** Settles once the bytes are handed over, so that a slow reader never makes them all wait in memory. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** After the last write: were signs put in the place of control characters? */
  end(): Promise<{ readonly isChanged: boolean }>;
}

export function openBodyOutput(stdout: NodeJS.WriteStream = process.stdout): BodyOutput {
  const hand = (data: Uint8Array | string): Promise<void> =>
    new Promise((resolve, reject) => stdout.write(data, (error) => (error ? reject(error) : resolve())));
  if (!stdout.isTTY) return { write: hand, end: async () => ({ isChanged: false }) };
  const decoder = new TextDecoder('utf-8');
  let isChanged = false;
  const show = (text: string): Promise<void> => {
    const safe = safeText(text);
    isChanged ||= safe !== text.replaceAll('\r\n', '\n');
    return safe === '' ? Promise.resolve() : hand(safe);
  };
  return {
    write: (data) => show(typeof data === 'string' ? data : decoder.decode(data, { stream: true })),
    async end() {
      await show(decoder.decode());
      return { isChanged };
    },
  };
}
