// Bytes as a table: offset, sixteen bytes in hex, and the text that they are.

const perLine = 16;

/** One line for each sixteen bytes; `offset` is the first byte's place in its body. */
export function hexLines(bytes: Uint8Array, offset = 0): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const part = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(perLine, bytes.length - at));
    const hex = part.toString('hex').replace(/(..)/g, '$1 ').trimEnd();
    const split = hex.length > 23 ? `${hex.slice(0, 23)}  ${hex.slice(24)}` : hex;
    const text = part.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    lines.push(`${(offset + at).toString(16).padStart(6, '0')}  ${split.padEnd(48)}  ${text}`);
  }
  return lines;
}

/** Is this what a person would call text: no control characters but line ends and tabs? */
export const isReadable = (text: string): boolean => !/[^\P{Cc}\t\n\r]/u.test(text);

/** A line's text with nothing in it that a terminal would act on. */
export const safeLine = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\t]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
