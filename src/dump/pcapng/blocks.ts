// The blocks of a pcapng file that tapes writes (draft-ietf-opsawg-pcapng): bytes in, bytes out. Little-endian; bodies and options are
// padded to four bytes. Times are nanoseconds.

export interface Option {
  readonly code: number;
  readonly value: string | Uint8Array;
}

const optionComment = 1;
/** Raw IP: the version is in the packet's first byte. */
const linkTypeRaw = 101;
const tlsKeyLog = 0x544c534b;

export interface SectionFacts {
  readonly hardware: string;
  readonly os: string;
  readonly application: string;
  readonly comment: string;
}

export function sectionHeader({ hardware, os, application, comment }: SectionFacts): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeUInt32LE(0x1a2b3c4d, 0);
  fixed.writeUInt16LE(1, 4);
  fixed.writeBigInt64LE(-1n, 8);
  return block(0x0a0d0d0a, fixed, [
    { code: optionComment, value: comment },
    { code: 2, value: hardware },
    { code: 3, value: os },
    { code: 4, value: application },
  ]);
}

export interface InterfaceFacts {
  readonly name: string;
  readonly description: string;
}

export function interfaceDescription({ name, description }: InterfaceFacts): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16LE(linkTypeRaw, 0);
  return block(1, fixed, [
    { code: 2, value: name },
    { code: 3, value: description },
    { code: 9, value: Uint8Array.of(9) },
  ]);
}

/** Nanoseconds since the epoch, in two halves of 32 bits. */
export interface PacketTime {
  readonly high: number;
  readonly low: number;
}

export const packetTime = (ns: bigint): PacketTime => ({ high: Number(ns >> 32n), low: Number(ns & 0xffff_ffffn) });

export const laterTime = (a: PacketTime, b: PacketTime): PacketTime =>
  a.high > b.high || (a.high === b.high && a.low > b.low) ? a : b;

/** Lines of an NSS key log; must stand before the ServerHello that they are for. */
export function decryptionSecrets(lines: readonly string[]): Buffer {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const fixed = Buffer.alloc(8 + padded(text.length));
  fixed.writeUInt32LE(tlsKeyLog, 0);
  fixed.writeUInt32LE(text.length, 4);
  text.copy(fixed, 8);
  return block(0x0a, fixed, []);
}

/** What is said of a packet, as its block's options; nothing at all where nothing is said. */
export function commentOptions(comments: readonly string[]): Uint8Array {
  if (comments.length === 0) return noOptions;
  return Buffer.concat([...comments.map((comment) => option(optionComment, utf8(comment))), endOfOptions]);
}

const noOptions = new Uint8Array(0);
const endOfOptions = Buffer.alloc(4);

/** Names for addresses; `address` has 4 or 16 bytes. */
export function nameResolution(records: readonly { readonly address: Uint8Array; readonly name: string }[]): Buffer {
  const parts = records.map(({ address, name }) =>
    option(address.length === 4 ? 1 : 2, Buffer.concat([address, Buffer.from(`${name}\0`)])),
  );
  return block(4, Buffer.concat([...parts, Buffer.alloc(4)]), []);
}

/** How many packets an interface had, and how many of them are not in the file. */
export function interfaceStatistics(
  interfaceId: number,
  { high, low }: PacketTime,
  received: bigint,
  dropped: bigint,
  comments: readonly string[] = [],
): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt32LE(interfaceId, 0);
  fixed.writeUInt32LE(high, 4);
  fixed.writeUInt32LE(low, 8);
  return block(5, fixed, [
    ...comments.map((value) => ({ code: 1, value })),
    { code: 4, value: uint64(received) },
    { code: 5, value: uint64(dropped) },
  ]);
}

// An option's length is 16 bits; a comment may be cut, a packet not.
const maxOptionBytes = 32 * 1024;

function block(type: number, fixed: Buffer, options: readonly Option[]): Buffer {
  const written = options.map(({ code, value }) => option(code, typeof value === 'string' ? utf8(value) : value));
  if (written.length > 0) written.push(endOfOptions);
  const length = 12 + fixed.length + written.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, fixed, ...written, head.subarray(4)]);
}

function option(code: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}

function utf8(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxOptionBytes) return bytes;
  // Not in the middle of a character.
  let end = maxOptionBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

export const padded = (length: number): number => (length + 3) & ~3;
