// Bytes as a table: offset, sixteen bytes in hex, and the text that they are.

const perLine = 16;

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const signOf = Array.from({ length: 256 }, (_, byte) => (byte < 0x20 || byte > 0x7e ? '.' : String.fromCharCode(byte)));

/**
 * One line for each sixteen bytes; `offset` is the first byte's place in its body. Lines that repeat the one before are a `*` together, as
 * `hexdump` has them: what a bomb decodes to is megabytes of one byte.
 */
export function hexLines(bytes: Uint8Array, offset = 0): string[] {
  const lines: string[] = [];
  let last = '';
  for (let at = 0; at < bytes.length; at += perLine) {
    const end = Math.min(at + perLine, bytes.length);
    const shown = hexLine(bytes, at, end);
    if (shown !== last || end === bytes.length) lines.push(`${(offset + at).toString(16).padStart(6, '0')}  ${shown}`);
    else if (lines.at(-1) !== '*') lines.push('*');
    last = shown;
  }
  return lines;
}

function hexLine(bytes: Uint8Array, from: number, end: number): string {
  let hex = '';
  let text = '';
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at]!;
    hex += at === from ? hexOf[byte]! : `${at === from + perLine / 2 ? '  ' : ' '}${hexOf[byte]!}`;
    text += signOf[byte]!;
  }
  return `${hex.padEnd(48)}  ${text}`;
}

/** Is this what a person would call text: no control characters but line ends and tabs? */
export const isReadable = (text: string): boolean => !/[^\P{Cc}\t\n\r]/u.test(text);

/** A line's text with nothing in it that a terminal would act on, or that turns the reading direction round. */
export const safeLine = (text: string): string =>
  text.replaceAll(/(?!\t)[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/gu, (sign) => {
    const code = sign.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
