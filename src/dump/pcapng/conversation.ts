// One TCP connection as Wireshark expects to see it: handshake, segments of at most MSS bytes, acknowledgements, FIN or RST. Gives blocks of a file.
// What is said is given; sequence numbers, flags and checksums are made. Sequence numbers begin at 0 of the connection's own, so
// the same events always give the same packets.
import { enhancedPacket, type PacketTime } from './blocks.ts';
import { flags, packetLength, writePacket, type Segment, type Side } from './segment.ts';

export type Speaker = 'client' | 'server';

interface Peer {
  readonly side: Side;
  /** The next byte that it sends. */
  next: number;
  packets: number;
  /** Bursts of it that the other side has not acknowledged by itself. */
  unacknowledged: number;
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
    const peer = (side: Side, sequence: number): Peer => ({
      side,
      next: sequence >>> 0,
      packets: 0,
      unacknowledged: 0,
      hasEnded: false,
    });
    this.#peers = { client: peer(client, initialSequence), server: peer(server, initialSequence ^ 0x5a5a_5a5a) };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The handshake, once. */
  open(at: PacketTime, comments: readonly string[] = nothingSaid): Buffer[] {
    if (this.#isOpen) return [];
    this.#isOpen = true;
    return [
      this.#packet('client', flags.syn, at, comments, { options: handshakeOptions }),
      this.#packet('server', flags.syn | flags.ack, at, nothingSaid, { options: handshakeOptions }),
      this.#packet('client', flags.ack, at),
    ];
  }

  /** Says these bytes. The other side acknowledges every second burst, as receivers do. */
  say(from: Speaker, data: Uint8Array, at: PacketTime, comments: readonly string[] = nothingSaid): Buffer[] {
    const { length } = data;
    if (this.#peers[from].hasEnded || length === 0) return [];
    if (length <= maximumSegmentBytes) {
      const block = this.#packet(from, flags.ack | flags.psh, at, comments, { data });
      return this.#isAckDue(from) ? [block, this.#packet(other(from), flags.ack, at)] : [block];
    }
    const blocks: Buffer[] = [];
    for (let start = 0; start < length; start += maximumSegmentBytes) {
      const part = data.subarray(start, start + maximumSegmentBytes);
      const isLast = start + part.length === length;
      const said = start === 0 ? comments : nothingSaid;
      blocks.push(this.#packet(from, flags.ack | (isLast ? flags.psh : 0), at, said, { data: part }));
    }
    blocks.push(this.#packet(other(from), flags.ack, at));
    return blocks;
  }

  /** Bytes that were said and are not at hand: cut packets, so that all that follows keeps its place. */
  skip(from: Speaker, bytes: number, at: PacketTime, comments: readonly string[] = nothingSaid): Buffer[] {
    if (this.#peers[from].hasEnded || bytes === 0) return [];
    const blocks: Buffer[] = [];
    for (let left = bytes; left > 0; left -= maximumMissingBytes) {
      const missingBytes = Math.min(left, maximumMissingBytes);
      const said = left === bytes ? comments : nothingSaid;
      blocks.push(this.#packet(from, flags.ack | flags.psh, at, said, { missingBytes }));
    }
    blocks.push(this.#packet(other(from), flags.ack, at));
    return blocks;
  }

  /** Both sides end, `first` before the other. */
  end(first: Speaker, at: PacketTime, comments: readonly string[] = nothingSaid): Buffer[] {
    if (!this.#isOpen || this.#isClosed) return [];
    this.#isClosed = true;
    const second = other(first);
    return [
      this.#packet(first, flags.fin | flags.ack, at, comments),
      this.#packet(second, flags.fin | flags.ack, at),
      this.#packet(first, flags.ack, at),
    ];
  }

  reset(from: Speaker, at: PacketTime, comments: readonly string[] = nothingSaid): Buffer[] {
    if (!this.#isOpen || this.#isClosed) return [];
    this.#isClosed = true;
    return [this.#packet(from, flags.rst | flags.ack, at, comments)];
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
    { data, options, missingBytes = 0 }: Content = nothingElse,
  ): Buffer {
    const sender = this.#peers[from];
    const receiver = this.#peers[other(from)];
    const segment: Segment = {
      from: sender.side,
      to: receiver.side,
      sequence: sender.next,
      acknowledgement: (flagBits & flags.ack) === 0 ? 0 : receiver.next,
      flags: flagBits,
      window,
      options,
      data,
      missingBytes,
      id: sender.packets++,
    };
    const length = packetLength(segment);
    const { block, bytes } = enhancedPacket(this.#interfaceId, at, length, length + missingBytes, comments);
    writePacket(bytes, segment);
    const counted = (data?.length ?? 0) + missingBytes + ((flagBits & (flags.syn | flags.fin)) === 0 ? 0 : 1);
    sender.next = (sender.next + counted) >>> 0;
    if ((flagBits & flags.fin) !== 0) sender.hasEnded = true;
    return block;
  }
}

interface Content {
  readonly data?: Uint8Array;
  readonly options?: Uint8Array;
  readonly missingBytes?: number;
}

const nothingElse: Content = {};
const nothingSaid: readonly string[] = [];
const other = (speaker: Speaker): Speaker => (speaker === 'client' ? 'server' : 'client');
