// The random of a ClientHello (RFC 8446, section 4.1.2), by which a key log names its connection.

const handshakeRecord = 0x16;
const clientHello = 0x01;
const randomAt = 5 + 4 + 2;
const randomBytes = 32;

/** In lower-case hex, from a connection's first bytes. Null: more is needed. '': this is no TLS. */
export function readClientRandom(start: Uint8Array): string | null {
  if (start.length > 0 && start[0] !== handshakeRecord) return '';
  if (start.length < randomAt + randomBytes) return null;
  if (start[5] !== clientHello) return '';
  return Buffer.from(start.subarray(randomAt, randomAt + randomBytes)).toString('hex');
}
