// Zstandard frames (RFC 8878) from chunks: what is whole is decoded at once, what is cut or damaged is told exactly, and memory
// is bounded by the window and one block. ../zstd-layer.ts says why the library is not enough.
import { joinBytes, noBytes, tooDense, tooLarge } from '../layer.ts';
import type { DecodeProblem } from '../layer.ts';
import { slackBytes, WindowFault, ZstdFault } from './bits.ts';
import { BlockDecoder, maxBlockBytes } from './block.ts';
import type { History } from './block.ts';
import { readFrameStart } from './frame-header.ts';
import type { FrameHeader } from './frame-header.ts';
import { Xxhash64 } from './xxhash64.ts';

interface Frame {
  readonly header: FrameHeader;
  readonly blocks: BlockDecoder;
  readonly checksum: Xxhash64 | null;
  readonly maxBlockBytes: number;
  producedBytes: number;
  isLastBlockDone: boolean;
}

/**
 * A content-encoding may need no more (RFC 9659). A frame may say more, and is decoded as long as it does not reach farther back: the
 * window that it asks for is what a bomb would make us keep.
 */
const maxWindowBytes = 8 * 1024 * 1024;

/**
 * What the history of a frame was kept in, for the next frame of any reader: most bodies are one frame that comes at once, and of much the same size. A
 * new piece of memory for each would make collections of garbage twice as frequent.
 */
let spare: Uint8Array = noBytes;
const largestSpareBytes = 256 * 1024;

/** What can be read next: everything of it must be there. */
type Step = 'done' | 'wait';

export class ZstdReader {
  readonly #maxBytes: number;
  #pending = new Uint8Array(0);
  #pendingStart = 0;
  #pendingEnd = 0;
  #skipBytes = 0;
  #frame: Frame | null = null;
  /** Where this frame's first byte is, or would be, in the history. */
  #frameStart = 0;
  readonly #history: History = {
    bytes: noBytes,
    length: 0,
    windowBytes: 0,
    reach: () => this.#history.length - this.#frameStart,
  };
  #out: Uint8Array[] = [];
  #producedBytes = 0;
  #givenRoomBytes = 0;
  #roomBytes = 0;
  #problem: DecodeProblem | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get problem(): DecodeProblem | null {
    return this.#problem;
  }

  /** `roomBytes`: the most that may come of this chunk. */
  push(chunk: Uint8Array, roomBytes = this.#maxBytes): Uint8Array {
    if (this.#problem !== null) return noBytes;
    this.#giveRoom(roomBytes);
    this.#append(chunk);
    try {
      while (this.#problem === null && this.#step() === 'done');
    } catch (error) {
      if (!(error instanceof ZstdFault)) throw error;
      const asks = this.#frame?.header.windowBytes ?? 0;
      if (error instanceof WindowFault && asks > maxWindowBytes) {
        this.#fail('unsupported', `needs a window of more than ${maxWindowBytes} bytes`);
      } else this.#fail('corrupt', error.message);
    }
    return this.#take();
  }

  end(roomBytes = this.#maxBytes): Uint8Array {
    if (this.#problem !== null) return noBytes;
    this.#giveRoom(roomBytes);
    if (this.#frame === null && this.#skipBytes === 0 && this.#pendingStart === this.#pendingEnd) return noBytes;
    this.#salvageRawBlock();
    this.#fail('truncated', 'the body ended inside a frame');
    return this.#take();
  }

  #step(): Step {
    const given = this.#pendingEnd - this.#pendingStart;
    if (this.#skipBytes > 0) {
      const skipped = Math.min(given, this.#skipBytes);
      this.#pendingStart += skipped;
      this.#skipBytes -= skipped;
      return this.#skipBytes === 0 ? 'done' : 'wait';
    }
    if (given === 0) return 'wait';
    if (this.#frame === null) return this.#startFrame();
    return this.#frame.isLastBlockDone ? this.#endFrame(this.#frame, given) : this.#readBlock(this.#frame, given);
  }

  #startFrame(): Step {
    const start = readFrameStart(this.#pending, this.#pendingStart, this.#pendingEnd);
    switch (start.type) {
      case 'wait':
        return 'wait';
      case 'malformed':
        this.#fail('corrupt', start.message);
        return 'wait';
      case 'skip':
        this.#skipBytes = start.bytes;
        return 'done';
      case 'frame':
        if (start.dictionaryId !== 0) {
          this.#fail('unsupported', `a frame needs dictionary ${start.dictionaryId}`);
          return 'wait';
        }
        this.#pendingStart += start.headerBytes;
        this.#frame = {
          header: start,
          blocks: new BlockDecoder(),
          checksum: start.hasChecksum ? new Xxhash64() : null,
          maxBlockBytes: Math.min(start.windowBytes, maxBlockBytes),
          producedBytes: 0,
          isLastBlockDone: false,
        };
        if (this.#history.bytes.length === 0) {
          this.#history.bytes = spare;
          spare = noBytes;
        }
        this.#history.length = 0;
        this.#history.windowBytes = Math.min(start.windowBytes, maxWindowBytes);
        this.#frameStart = 0;
        return 'done';
    }
  }

  #readBlock(frame: Frame, given: number): Step {
    if (given < 3) return 'wait';
    const { type, size, isLast, storedBytes } = this.#blockHeader();
    if (type === 3 || size > maxBlockBytes) throw new ZstdFault('a block header is malformed');
    if (type !== 2 && size > frame.maxBlockBytes) throw new ZstdFault('a block is too large');
    if (given < 3 + storedBytes) return 'wait';
    const start = this.#pendingStart + 3;
    this.#makeRoom(frame.maxBlockBytes);
    const before = this.#history.length;
    if (type === 2) {
      frame.blocks.decode(this.#pending, start, start + storedBytes, this.#history, frame.maxBlockBytes);
    } else {
      if (type === 0) this.#history.bytes.set(this.#pending.subarray(start, start + size), before);
      else this.#history.bytes.fill(this.#pending[start]!, before, before + size);
      this.#history.length += size;
    }
    this.#pendingStart = start + storedBytes;
    this.#emit(frame, this.#history.bytes.slice(before, this.#history.length));
    frame.isLastBlockDone = isLast;
    return isLast && frame.checksum === null ? this.#endFrame(frame, 4) : 'done';
  }

  #blockHeader(): { type: number; size: number; isLast: boolean; storedBytes: number } {
    const [a = 0, b = 0, c = 0] = this.#pending.subarray(this.#pendingStart, this.#pendingStart + 3);
    const type = (a >>> 1) & 3;
    const size = (a | (b << 8) | (c << 16)) >>> 3;
    return { type, size, isLast: (a & 1) === 1, storedBytes: type === 1 ? 1 : size };
  }

  #endFrame({ header, checksum, producedBytes }: Frame, given: number): Step {
    if (header.contentBytes !== null && header.contentBytes !== producedBytes) {
      throw new ZstdFault(`a frame says ${header.contentBytes} bytes and holds ${producedBytes}`);
    }
    if (checksum !== null) {
      if (given < 4) return 'wait';
      const at = this.#pendingStart;
      const view = new DataView(this.#pending.buffer, this.#pending.byteOffset);
      if (view.getUint32(at, true) !== checksum.low32()) throw new ZstdFault('the checksum of a frame differs');
      this.#pendingStart += 4;
    }
    this.#frame = null;
    this.#leaveHistory();
    return 'done';
  }

  #leaveHistory(): void {
    const { bytes } = this.#history;
    if (bytes.length > spare.length && bytes.length <= largestSpareBytes) spare = bytes;
    this.#history.bytes = noBytes;
  }

  #emit(frame: Frame, block: Uint8Array): void {
    frame.producedBytes += block.length;
    frame.checksum?.update(block);
    const left = this.#maxBytes - this.#producedBytes;
    const room = Math.min(left, this.#roomBytes);
    const kept = block.length > room ? block.subarray(0, room) : block;
    if (kept.length > 0) this.#out.push(kept);
    this.#producedBytes += kept.length;
    this.#roomBytes -= kept.length;
    if (kept.length === block.length) return;
    this.#problem = room === left ? tooLarge('zstd', this.#maxBytes) : tooDense('zstd', this.#givenRoomBytes);
  }

  #giveRoom(roomBytes: number): void {
    this.#givenRoomBytes = roomBytes;
    this.#roomBytes = roomBytes;
  }

  /** The part of an uncompressed block that came before the body broke off is plain to read. */
  #salvageRawBlock(): void {
    const frame = this.#frame;
    if (frame === null || frame.isLastBlockDone || this.#pendingEnd - this.#pendingStart <= 3) return;
    if (this.#blockHeader().type === 0)
      this.#emit(frame, this.#pending.slice(this.#pendingStart + 3, this.#pendingEnd));
  }

  /** The window is kept at the front of the history; it is slid or grown only when a block more would not fit. */
  #makeRoom(blockBytes: number): void {
    const history = this.#history;
    if (history.bytes.length - history.length >= blockBytes) return;
    const kept = Math.min(history.length - this.#frameStart, history.windowBytes);
    const wanted = 2 * kept + blockBytes;
    const from = history.length - kept;
    if (history.bytes.length >= wanted) {
      history.bytes.copyWithin(0, from, history.length);
    } else {
      const larger = new Uint8Array(kept === 0 ? wanted : 2 * wanted);
      larger.set(history.bytes.subarray(from, history.length));
      history.bytes = larger;
    }
    history.length = kept;
    this.#frameStart -= from;
  }

  #append(chunk: Uint8Array): void {
    const given = this.#pendingEnd - this.#pendingStart;
    if (given === 0) {
      // The chunk is the caller's, and what is not read of it now is read later.
      this.#pending = new Uint8Array(chunk.length + slackBytes);
      this.#pending.set(chunk);
      this.#pendingStart = 0;
      this.#pendingEnd = chunk.length;
      return;
    }
    if (this.#pendingEnd + chunk.length + slackBytes > this.#pending.length) {
      const larger = new Uint8Array(2 * (given + chunk.length) + slackBytes);
      larger.set(this.#pending.subarray(this.#pendingStart, this.#pendingEnd));
      this.#pending = larger;
      this.#pendingStart = 0;
      this.#pendingEnd = given;
    }
    this.#pending.set(chunk, this.#pendingEnd);
    this.#pendingEnd += chunk.length;
  }

  #take(): Uint8Array {
    const out = joinBytes(this.#out);
    this.#out = [];
    return out;
  }

  #fail(reason: DecodeProblem['reason'], message: string): void {
    this.#problem ??= { encoding: 'zstd', reason, message };
  }
}
