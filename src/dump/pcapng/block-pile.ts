// Blocks on their way into a file, one behind the other in one piece of memory: a buffer for each packet would cost more than what is
// written into it.
import { commentOptions, padded, type PacketTime } from './blocks.ts';

export interface PacketFacts {
  readonly interfaceId: 0 | 1;
  readonly at: PacketTime;
  /** As it is in the file, and as it was. */
  readonly bytes: number;
  readonly originalBytes: number;
  readonly comments: readonly string[];
}

const roomBytes = 64 * 1024;
const packetAt = 28;
const nothing = new Uint8Array(0);

export class BlockPile {
  #room = Buffer.allocUnsafeSlow(roomBytes);
  /** What is before it has been taken, and belongs to whoever took it. */
  #start = 0;
  #end = 0;
  /** Of each interface, since this was last set to zero. */
  readonly packets: [number, number] = [0, 0];

  put(block: Uint8Array): void {
    this.#reserve(block.length);
    this.#room.set(block, this.#end);
    this.#end += block.length;
  }

  /** A packet's block. The packet is to be written into `room` from `at` on, before anything else happens here. */
  putPacket({ interfaceId, at, bytes, originalBytes, comments }: PacketFacts): { room: Buffer; at: number } {
    const options = commentOptions(comments);
    const dataEnd = packetAt + padded(bytes);
    const length = dataEnd + options.length + 4;
    this.#reserve(length);
    const room = this.#room;
    const start = this.#end;
    room.writeUInt32LE(6, start);
    room.writeUInt32LE(length, start + 4);
    room.writeUInt32LE(interfaceId, start + 8);
    room.writeUInt32LE(at.high, start + 12);
    room.writeUInt32LE(at.low, start + 16);
    room.writeUInt32LE(bytes, start + 20);
    room.writeUInt32LE(originalBytes, start + 24);
    for (let padding = packetAt + bytes; padding < dataEnd; padding += 1) room[start + padding] = 0;
    if (options.length > 0) room.set(options, start + dataEnd);
    room.writeUInt32LE(length, start + length - 4);
    this.#end += length;
    this.packets[interfaceId] += 1;
    return { room, at: start + packetAt };
  }

  /** All that was put since it was last asked. */
  take(): Uint8Array {
    if (this.#start === this.#end) return nothing;
    const taken = this.#room.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#room.length) return;
    const held = this.#room.subarray(this.#start, this.#end);
    const room = Buffer.allocUnsafeSlow(Math.max(roomBytes, 2 * (held.length + bytes)));
    room.set(held);
    this.#room = room;
    this.#start = 0;
    this.#end = held.length;
  }
}
