// One TCP connection as Wireshark expects to see it: handshake, segments of at most MSS bytes, acknowledgements, FIN or RST. Puts blocks on a pile.
// What is said is given; sequence numbers, flags and checksums are made. Sequence numbers begin at 0 of the connection's own, so
// the same events always give the same packets.
import type { BlockPile } from './block-pile.ts';
import type { PacketTime } from './blocks.ts';
import { flags, makeRoute, packetLength, writePacket, type Route, type Side } from './segment.ts';

export type Speaker = 'client' | 'server';

interface Peer {
  readonly route: Route;
  /** The next byte that it sends. */
  next: number;
  packets: number;
  /** Bursts of it that the other side has not acknowledged by itself. */
  unacknowledged: number;
  hasEnded: boolean;
}

export interface ConversationOptions {
  readonly interfaceId: 0 | 1;
  readonly client: Side;
  readonly server: Side;
  /** Tells connections over the same ports apart. */
  readonly initialSequence: number;
  readonly blocks: BlockPile;
}

const maximumSegmentBytes = 1460;
/** What is missing needs no packet of its own for each segment: a capture on the sending machine shows such large ones, too. */
const maximumMissingBytes = 60_000;
// Scaled by 2^10 below, so that no receiver ever looks full.
const window = 0xffff;
/** Maximum segment size 1460, window scale 10, and padding. */
const handshakeOptions = Uint8Array.of(2, 4, 0x05, 0xb4, 1, 3, 3, 10);

export class TcpConversation {
  readonly #interfaceId: 0 | 1;
  readonly #blocks: BlockPile;
  readonly #peers: Readonly<Record<Speaker, Peer>>;
  #isOpen = false;
  #isClosed = false;

  constructor({ interfaceId, client, server, initialSequence, blocks }: ConversationOptions) {
    this.#interfaceId = interfaceId;
    this.#blocks = blocks;
    const peer = (from: Side, to: Side, sequence: number): Peer => ({
      route: makeRoute(from, to, window),
      next: sequence >>> 0,
      packets: 0,
      unacknowledged: 0,
      hasEnded: false,
    });
    this.#peers = {
      client: peer(client, server, initialSequence),
      server: peer(server, client, initialSequence ^ 0x5a5a_5a5a),
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The handshake, once. */
  open(at: PacketTime, comments: readonly string[] = nothingSaid): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#packet('client', flags.syn, at, comments, { options: handshakeOptions });
    this.#packet('server', flags.syn | flags.ack, at, nothingSaid, { options: handshakeOptions });
    this.#packet('client', flags.ack, at);
  }

  /** Says these bytes. The other side acknowledges every second burst, as receivers do. */
  say(from: Speaker, data: Uint8Array, at: PacketTime, comments: readonly string[] = nothingSaid): void {
    const { length } = data;
    if (this.#peers[from].hasEnded || length === 0) return;
    if (length <= maximumSegmentBytes) {
      this.#packet(from, flags.ack | flags.psh, at, comments, { data });
      if (this.#isAckDue(from)) this.#packet(other(from), flags.ack, at);
      return;
    }
    for (let start = 0; start < length; start += maximumSegmentBytes) {
      const part = data.subarray(start, start + maximumSegmentBytes);
      const isLast = start + part.length === length;
      const said = start === 0 ? comments : nothingSaid;
      this.#packet(from, flags.ack | (isLast ? flags.psh : 0), at, said, { data: part });
    }
    this.#packet(other(from), flags.ack, at);
  }

  /** Bytes that were said and are not at hand: cut packets, so that all that follows keeps its place. */
  skip(from: Speaker, bytes: number, at: PacketTime, comments: readonly string[] = nothingSaid): void {
    if (this.#peers[from].hasEnded || bytes === 0) return;
    for (let left = bytes; left > 0; left -= maximumMissingBytes) {
      const missingBytes = Math.min(left, maximumMissingBytes);
      const said = left === bytes ? comments : nothingSaid;
      this.#packet(from, flags.ack | flags.psh, at, said, { missingBytes });
    }
    this.#packet(other(from), flags.ack, at);
  }

  /** Both sides end, `first` before the other. */
  end(first: Speaker, at: PacketTime, comments: readonly string[] = nothingSaid): void {
    if (!this.#isOpen || this.#isClosed) return;
    this.#isClosed = true;
    const second = other(first);
    this.#packet(first, flags.fin | flags.ack, at, comments);
    this.#packet(second, flags.fin | flags.ack, at);
    this.#packet(first, flags.ack, at);
  }

  reset(from: Speaker, at: PacketTime, comments: readonly string[] = nothingSaid): void {
    if (!this.#isOpen || this.#isClosed) return;
    this.#isClosed = true;
    this.#packet(from, flags.rst | flags.ack, at, comments);
  }

  #isAckDue(from: Speaker): boolean {
    const peer = this.#peers[from];
    peer.unacknowledged = (peer.unacknowledged + 1) % 2;
    return peer.unacknowledged === 0;
  }

  #packet(
    from: Speaker,
    flagBits: number,
    at: PacketTime,
    comments: readonly string[] = nothingSaid,
    { data = noBytes, options = noBytes, missingBytes = 0 }: Content = nothingElse,
  ): void {
    const sender = this.#peers[from];
    const { route } = sender;
    const bytes = packetLength(route, { data, options });
    const originalBytes = bytes + missingBytes;
    const place = this.#blocks.putPacket({ interfaceId: this.#interfaceId, at, bytes, originalBytes, comments });
    writePacket(place.room, place.at, route, {
      sequence: sender.next,
      acknowledgement: (flagBits & flags.ack) === 0 ? 0 : this.#peers[other(from)].next,
      flags: flagBits,
      options,
      data,
      missingBytes,
      id: sender.packets++,
    });
    const counted = data.length + missingBytes + ((flagBits & (flags.syn | flags.fin)) === 0 ? 0 : 1);
    sender.next = (sender.next + counted) >>> 0;
    if ((flagBits & flags.fin) !== 0) sender.hasEnded = true;
  }
}

interface Content {
  readonly data?: Uint8Array;
  readonly options?: Uint8Array;
  readonly missingBytes?: number;
}

const noBytes = new Uint8Array(0);
const nothingElse: Content = {};
const nothingSaid: readonly string[] = [];
const other = (speaker: Speaker): Speaker => (speaker === 'client' ? 'server' : 'client');
