// Lines of a file that is read in pieces, of a bounded length each. They end with a newline and nothing else: what JSON may hold (U+2028) ends none.
import { TapesError } from '../../errors.ts';

/** What `tapes export` can write at the most: a request of 64 MiB, each byte of it escaped (`\u0000`), and the rest of its row. */
export const maxLineBytes = 400 * 1024 * 1024;

/**
 * Gives the lines as UTF-8, without their ends. `name`: of what is read, as its reader knows it. Throws E_IMPORT_DAMAGED as soon as a line is longer
 * than `maxBytes`: no more than that is ever kept.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
  maxBytes = maxLineBytes,
): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 1;
  const add = (part: Uint8Array): void => {
    length += part.length;
    if (length > maxBytes) throw tooLong(name, number, maxBytes);
    if (part.length > 0) parts.push(part);
  };
  const take = (): string => {
    const line = Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    number += 1;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

const tooLong = (name: string, line: number, maxBytes: number): TapesError =>
  new TapesError(
    'E_IMPORT_DAMAGED',
    `line ${line} of ${name} is longer than ${maxBytes} bytes, which is more than tapes export writes`,
    { hint: 'nothing was imported; export it once more with: tapes export SESSION -o FILE' },
  );
