// Bytes as text. Most bodies are ASCII, which needs no decoding: 0.01 ms for 70 kB instead of 0.2.
import { isAscii } from 'node:buffer';

/** As a TextDecoder gives it: without a byte order mark, and what is no UTF-8 replaced. */
export function readUtf8(bytes: Uint8Array): string {
  if (!isAscii(bytes)) return new TextDecoder().decode(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
