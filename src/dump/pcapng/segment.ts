// One IP packet with one TCP segment, checksums included. Pure: addresses and numbers in, bytes out.
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes. */
export type Address = Uint8Array;

export interface Side {
  readonly address: Address;
  readonly port: number;
  /** Of the address's words, for checksums. */
  readonly sum: number;
}

export const makeSide = (address: Address, port: number): Side => ({ address, port, sum: sum(address) });

export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

export interface Segment {
  readonly from: Side;
  readonly to: Side;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  /** TCP options, a multiple of four bytes. */
  readonly options?: Uint8Array | undefined;
  readonly data?: Uint8Array | undefined;
  /** Bytes that the segment had and that are not at hand: the packet is cut behind its headers. */
  readonly missingBytes?: number;
  /** Counts a sender's packets (IPv4). */
  readonly id: number;
}

const noData = new Uint8Array(0);

/** How long the packet's bytes are, without what is missing of it. */
export function packetLength({ from, options = noData, data = noData }: Segment): number {
  return (from.address.length === 16 ? 40 : 20) + 20 + options.length + data.length;
}

/** Writes the packet into bytes of that length. */
export function writePacket(bytes: Buffer, segment: Segment): void {
  const { from, to, options = noData, data = noData, missingBytes = 0 } = segment;
  const isV6 = from.address.length === 16;
  const ipLength = isV6 ? 40 : 20;
  const tcpLength = 20 + options.length + data.length;
  if (isV6) writeIpv6(bytes, segment, tcpLength + missingBytes);
  else writeIpv4(bytes, segment, ipLength + tcpLength + missingBytes);
  bytes.writeUInt16BE(from.port, ipLength);
  bytes.writeUInt16BE(to.port, ipLength + 2);
  bytes.writeUInt32BE(segment.sequence, ipLength + 4);
  bytes.writeUInt32BE(segment.acknowledgement, ipLength + 8);
  bytes[ipLength + 12] = ((20 + options.length) / 4) << 4;
  bytes[ipLength + 13] = segment.flags;
  bytes.writeUInt16BE(segment.window, ipLength + 14);
  bytes.writeUInt32BE(0, ipLength + 16);
  bytes.set(options, ipLength + 20);
  bytes.set(data, ipLength + 20 + options.length);
  const pseudo = from.sum + to.sum + 6 + tcpLength + missingBytes;
  // Headers and options are a whole number of words, so the data's sum is the same wherever it stands.
  const dataAt = ipLength + 20 + options.length;
  bytes.writeUInt16BE(fold(pseudo + sum(bytes, ipLength, dataAt) + sumOfData(data)), ipLength + 16);
}

/** The sum that was made last: both sides of the interceptor send the same bytes. */
let lastSummed: { readonly data: Uint8Array; readonly total: number } | null = null;

function sumOfData(data: Uint8Array): number {
  if (data.length === 0) return 0;
  if (lastSummed?.data !== data) lastSummed = { data, total: sum(data) };
  return lastSummed.total;
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
  bytes.writeUInt16BE(fold(sum(bytes, 0, 20)), 10);
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
function sum(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let total = 0;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return even === to ? total : total + (bytes[even]! << 8);
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
