// One IP packet with one TCP segment, checksums included. Pure: addresses and numbers in, bytes out.
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes. */
export type Address = Uint8Array;

export interface Side {
  readonly address: Address;
  readonly port: number;
}

export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

/** From one side to the other: all of a packet's headers that is the same for each. */
export interface Route {
  /** The headers of IP and TCP, with zeros where the packet has numbers of its own. */
  readonly headers: Uint8Array;
  readonly ipLength: 20 | 40;
  /** Sums over what is in them, for checksums; of TCP with its pseudo header. */
  readonly ipSum: number;
  readonly tcpSum: number;
}

/** `window`: as it stands in the header. */
export function makeRoute(from: Side, to: Side, window: number): Route {
  const ipLength = from.address.length === 16 ? 40 : 20;
  const headers = Buffer.alloc(ipLength + 20);
  if (ipLength === 20) {
    headers[0] = 0x45;
    headers[6] = 0x40; // not to be fragmented
    headers[8] = 64;
    headers[9] = 6;
    headers.set(from.address, 12);
    headers.set(to.address, 16);
  } else {
    headers[0] = 0x60;
    headers[6] = 6;
    headers[7] = 64;
    headers.set(from.address, 8);
    headers.set(to.address, 24);
  }
  headers.writeUInt16BE(from.port, ipLength);
  headers.writeUInt16BE(to.port, ipLength + 2);
  headers.writeUInt16BE(window, ipLength + 14);
  const ipSum = sum(headers, 0, ipLength);
  return { headers, ipLength, ipSum, tcpSum: sum(from.address) + sum(to.address) + 6 + sum(headers, ipLength) };
}

export interface Segment {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  /** TCP options, a multiple of four bytes. */
  readonly options: Uint8Array;
  readonly data: Uint8Array;
  /** Bytes that the segment had and that are not at hand: the packet is cut behind its headers. */
  readonly missingBytes: number;
  /** Counts a sender's packets (IPv4). */
  readonly id: number;
}

/** How long the packet's bytes are, without what is missing of it. */
export const packetLength = ({ headers }: Route, { options, data }: Pick<Segment, 'options' | 'data'>): number =>
  headers.length + options.length + data.length;

/** Writes the packet into `room`, from `at` on. */
export function writePacket(room: Buffer, at: number, route: Route, segment: Segment): void {
  const { sequence, acknowledgement, options, data, missingBytes } = segment;
  const { headers, ipLength } = route;
  room.set(headers, at);
  const tcpLength = 20 + options.length + data.length;
  if (ipLength === 20) {
    const length = ipLength + tcpLength + missingBytes;
    const id = segment.id & 0xffff;
    room.writeUInt16BE(length, at + 2);
    room.writeUInt16BE(id, at + 4);
    room.writeUInt16BE(fold(route.ipSum + length + id), at + 10);
  } else {
    room.writeUInt16BE(tcpLength + missingBytes, at + 4);
  }
  const tcpAt = at + ipLength;
  const offsetAndFlags = (((20 + options.length) / 4) << 12) | segment.flags;
  room.writeUInt32BE(sequence, tcpAt + 4);
  room.writeUInt32BE(acknowledgement, tcpAt + 8);
  room.writeUInt16BE(offsetAndFlags, tcpAt + 12);
  if (options.length > 0) room.set(options, tcpAt + 20);
  if (data.length > 0) room.set(data, tcpAt + 20 + options.length);
  // Headers and options are a whole number of words, so the data's sum is the same wherever it stands.
  const numbers = words(sequence) + words(acknowledgement) + offsetAndFlags;
  const total = route.tcpSum + tcpLength + missingBytes + numbers + sum(options) + sumOfData(data);
  room.writeUInt16BE(fold(total), tcpAt + 16);
}

/** The sum of a number's two words. */
const words = (value: number): number => (value >>> 16) + (value & 0xffff);

/** The sum that was made last: both sides of the interceptor send the same bytes. */
let lastSummed: { readonly data: Uint8Array; readonly total: number } | null = null;

function sumOfData(data: Uint8Array): number {
  if (data.length === 0) return 0;
  if (lastSummed?.data !== data) lastSummed = { data, total: sum(data) };
  return lastSummed.total;
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
