// What numbers the certificates that tapes makes: roots and leaves alike.
import { randomBytes } from 'node:crypto';

/** Of a certificate: 20 octets, positive, with no leading zero octet (RFC 5280 section 4.1.2.2). */
export function certificateSerialNumber(): Buffer {
  const bytes = randomBytes(20);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}
