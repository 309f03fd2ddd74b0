// One TCP connection as Wireshark expects to see it: handshake, segments of at most MSS bytes, an acknowledgement for each burst, FIN or RST.
// What is said is given; sequence numbers, flags and checksums are made. Sequence numbers begin at 0 of the connection's own, so
// the same events always give the same packets.
import type { Packet } from './blocks.ts';
import { flags, tcpPacket } from './segment.ts';
import type { Side } from './segment.ts';

export type Speaker = 'client' | 'server';

interface Peer {
  readonly side: Side;
  /** The next byte that it sends. */
  next: number;
  packets: number;
  hasEnded: boolean;
}

export interface ConversationOptions {
  readonly interfaceId: number;
  readonly client: Side;
  readonly server: Side;
  /** Tells connections over the same ports apart. */
  readonly initialSequence: number;
}

const maximumSegmentBytes = 1460;
/** What is missing needs no packet of its own for each segment: a capture on the sending machine shows such large ones, too. */
const maximumMissingBytes = 60_000;
// Scaled by 2^10 below, so that no receiver ever looks full.
const window = 0xffff;
/** Maximum segment size 1460, window scale 10, and padding. */
const handshakeOptions = Uint8Array.of(2, 4, 0x05, 0xb4, 1, 3, 3, 10);

export class TcpConversation {
  readonly #interfaceId: number;
  readonly #peers: Readonly<Record<Speaker, Peer>>;
  #isOpen = false;
  #isClosed = false;

  constructor({ interfaceId, client, server, initialSequence }: ConversationOptions) {
    this.#interfaceId = interfaceId;
    const peer = (side: Side, sequence: number): Peer => ({ side, next: sequence >>> 0, packets: 0, hasEnded: false });
    this.#peers = { client: peer(client, initialSequence), server: peer(server, initialSequence ^ 0x5a5a_5a5a) };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The handshake, once. */
  open(atNs: bigint, comments: readonly string[] = []): Packet[] {
    if (this.#isOpen) return [];
    this.#isOpen = true;
    return [
      this.#packet('client', flags.syn, atNs, { options: handshakeOptions, comments }),
      this.#packet('server', flags.syn | flags.ack, atNs, { options: handshakeOptions }),
      this.#packet('client', flags.ack, atNs),
    ];
  }

  /** Says these bytes, and has the other side acknowledge them. */
  say(from: Speaker, data: Uint8Array, atNs: bigint, comments: readonly string[] = []): Packet[] {
    if (this.#peers[from].hasEnded) return [];
    const packets: Packet[] = [];
    for (let at = 0; at < data.length; at += maximumSegmentBytes) {
      const part = data.subarray(at, at + maximumSegmentBytes);
      const isLast = at + part.length === data.length;
      packets.push(
        this.#packet(from, flags.ack | (isLast ? flags.psh : 0), atNs, {
          data: part,
          comments: at === 0 ? comments : [],
        }),
      );
    }
    if (packets.length > 0) packets.push(this.#packet(other(from), flags.ack, atNs));
    return packets;
  }

  /** Bytes that were said and are not at hand: cut packets, so that all that follows keeps its place. */
  skip(from: Speaker, bytes: number, atNs: bigint, comments: readonly string[] = []): Packet[] {
    if (this.#peers[from].hasEnded) return [];
    const packets: Packet[] = [];
    for (let left = bytes; left > 0; left -= maximumMissingBytes) {
      const missingBytes = Math.min(left, maximumMissingBytes);
      packets.push(
        this.#packet(from, flags.ack | flags.psh, atNs, { missingBytes, comments: left === bytes ? comments : [] }),
      );
    }
    if (packets.length > 0) packets.push(this.#packet(other(from), flags.ack, atNs));
    return packets;
  }

  /** Both sides end, `first` before the other. */
  end(first: Speaker, atNs: bigint, comments: readonly string[] = []): Packet[] {
    if (!this.#isOpen || this.#isClosed) return [];
    this.#isClosed = true;
    const second = other(first);
    const packets: Packet[] = [];
    if (!this.#peers[first].hasEnded) packets.push(this.#packet(first, flags.fin | flags.ack, atNs, { comments }));
    packets.push(this.#packet(second, flags.fin | flags.ack, atNs));
    packets.push(this.#packet(first, flags.ack, atNs));
    return packets;
  }

  reset(from: Speaker, atNs: bigint, comments: readonly string[] = []): Packet[] {
    if (!this.#isOpen || this.#isClosed) return [];
    this.#isClosed = true;
    return [this.#packet(from, flags.rst | flags.ack, atNs, { comments })];
  }

  #packet(
    from: Speaker,
    flagBits: number,
    atNs: bigint,
    more: {
      readonly data?: Uint8Array;
      readonly options?: Uint8Array;
      readonly missingBytes?: number;
      readonly comments?: readonly string[];
    } = {},
  ): Packet {
    const { comments = [], ...content } = more;
    const sender = this.#peers[from];
    const receiver = this.#peers[other(from)];
    const { bytes, originalLength } = tcpPacket({
      ...content,
      from: sender.side,
      to: receiver.side,
      sequence: sender.next,
      acknowledgement: (flagBits & flags.ack) === 0 ? 0 : receiver.next,
      flags: flagBits,
      window,
      id: sender.packets++,
    });
    const said = (content.data?.length ?? 0) + (content.missingBytes ?? 0);
    const counted = said + ((flagBits & (flags.syn | flags.fin)) === 0 ? 0 : 1);
    sender.next = (sender.next + counted) >>> 0;
    if ((flagBits & flags.fin) !== 0) sender.hasEnded = true;
    return { interfaceId: this.#interfaceId, atNs, bytes, originalLength, comments };
  }
}

const other = (speaker: Speaker): Speaker => (speaker === 'client' ? 'server' : 'client');
