// One IP packet with one TCP segment, checksums included. Pure: addresses and numbers in, bytes out.
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes. */
export type Address = Uint8Array;

export interface Side {
  readonly address: Address;
  readonly port: number;
}

export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

export interface Segment {
  readonly from: Side;
  readonly to: Side;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  /** TCP options, a multiple of four bytes. */
  readonly options?: Uint8Array;
  readonly data?: Uint8Array;
  /** Bytes that the segment had and that are not at hand: the packet is cut behind its headers. */
  readonly missingBytes?: number;
  /** Counts a sender's packets (IPv4). */
  readonly id: number;
}

const nothing = new Uint8Array(0);

/** The packet's bytes, and how long it was with what is missing of it. */
export function tcpPacket(segment: Segment): { readonly bytes: Buffer; readonly originalLength: number } {
  const { from, to, options = nothing, data = nothing, missingBytes = 0 } = segment;
  const isV6 = from.address.length === 16;
  const ipLength = isV6 ? 40 : 20;
  const tcpLength = 20 + options.length + data.length;
  const bytes = Buffer.allocUnsafe(ipLength + tcpLength);
  if (isV6) writeIpv6(bytes, segment, tcpLength + missingBytes);
  else writeIpv4(bytes, segment, ipLength + tcpLength + missingBytes);
  const tcp = bytes.subarray(ipLength);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(segment.sequence, 4);
  tcp.writeUInt32BE(segment.acknowledgement, 8);
  tcp[12] = ((20 + options.length) / 4) << 4;
  tcp[13] = segment.flags;
  tcp.writeUInt16BE(segment.window, 14);
  tcp.writeUInt32BE(0, 16);
  tcp.set(options, 20);
  tcp.set(data, 20 + options.length);
  const pseudo = sum(from.address) + sum(to.address) + 6 + tcpLength + missingBytes;
  tcp.writeUInt16BE(fold(pseudo + sum(tcp)), 16);
  return { bytes, originalLength: bytes.length + missingBytes };
}

function writeIpv4(bytes: Buffer, { from, to, id }: Segment, length: number): void {
  bytes.fill(0, 0, 20);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt16BE(id & 0xffff, 4);
  bytes[6] = 0x40; // not to be fragmented
  bytes[8] = 64;
  bytes[9] = 6;
  bytes.set(from.address, 12);
  bytes.set(to.address, 16);
  bytes.writeUInt16BE(fold(sum(bytes.subarray(0, 20))), 10);
}

function writeIpv6(bytes: Buffer, { from, to }: Segment, payloadLength: number): void {
  bytes.fill(0, 0, 8);
  bytes[0] = 0x60;
  bytes.writeUInt16BE(payloadLength, 4);
  bytes[6] = 6;
  bytes[7] = 64;
  bytes.set(from.address, 8);
  bytes.set(to.address, 24);
}

/** The sum of 16-bit words (RFC 1071); packets are below 64 KiB, so it stays well below 2^53. */
function sum(bytes: Uint8Array): number {
  let total = 0;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return even === bytes.length ? total : total + (bytes[even]! << 8);
}

function fold(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** An address as bytes, an IPv4 address mapped into IPv6 as the IPv4 address that it is; null where it is none. */
export function readAddress(text: string): Address | null {
  const plain = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (plain !== undefined) return isIPv4(plain) ? Uint8Array.from(plain.split('.').map(Number)) : null;
  const [unscoped = ''] = text.split('%');
  if (!isIPv6(unscoped)) return null;
  return parseIpv6(unscoped);
}

function parseIpv6(text: string): Address {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = (high: string | undefined, low: string | undefined): string =>
    ((Number(high) << 8) | Number(low)).toString(16);
  const full = dotted === null ? text : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [head = '', tail] = full.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const filled = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  const bytes = Buffer.alloc(16);
  filled.forEach((group, at) => bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2));
  return bytes;
}
