// A changed body put back while it passes under all the content encodings that its head names. Only the outermost has a length to keep. An encoding
// further in may leave out text, the ones around it nothing of what that one says: so it gets a little less room than they have.
import { joinBytes, noBytes } from './layer.ts';
import { BodyRefit } from './refit-body.ts';
import { openSegmentEncoder } from './segment-encoder.ts';

/** What an encoding adds to bytes that it cannot make shorter: less than one in a thousand, and its head and end. */
const keptShare = 0.004;
const keptBytes = 4096;

interface Layer {
  readonly refit: BodyRefit;
  /** How many encodings are around it. */
  readonly around: number;
  /** Bytes that it was given room for, and that it has said. */
  roomBytes: number;
  saidBytes: number;
}

export class StackedRefit {
  /** The innermost first. */
  readonly #layers: readonly Layer[];
  #cameBytes = 0;

  private constructor(refits: readonly BodyRefit[]) {
    this.#layers = refits.map((refit, at) => ({ refit, around: refits.length - 1 - at, roomBytes: 0, saidBytes: 0 }));
  }

  /** `start`: the first bytes of the body as it was. Null: an encoding that cannot be written so. */
  static open(contentEncoding: string, start: Uint8Array): StackedRefit | null {
    const names = encodingNames(contentEncoding);
    const encoders = names.map((name, at) => openSegmentEncoder(name, at === names.length - 1 ? start : noBytes));
    const known = encoders.filter((encoder) => encoder !== null);
    return known.length === 0 || known.length < names.length
      ? null
      : new StackedRefit(known.map((encoder) => new BodyRefit(encoder)));
  }

  /** Bytes of text for which there was no room. */
  get leftOutBytes(): number {
    return this.#layers.reduce((sum, { refit }) => sum + refit.leftOutBytes, 0);
  }

  /** As `BodyRefit` does. */
  push(text: Uint8Array, wireBytes: number): Promise<Uint8Array> {
    this.#cameBytes += wireBytes;
    return this.#pass(text, false);
  }

  /** The rest: after it as many bytes have gone out as came. */
  end(): Promise<Uint8Array> {
    return this.#pass(noBytes, true);
  }

  async #pass(text: Uint8Array, isEnd: boolean): Promise<Uint8Array> {
    let bytes = text;
    let waitingInside = 0;
    for (const layer of this.#layers) {
      const { refit, around } = layer;
      const ofAll = Math.max(0, Math.floor(this.#cameBytes * (1 - keptShare * around)) - keptBytes * around);
      // What the one inside has not said will want its room here: it must not be filled up before.
      const room = ofAll - waitingInside;
      const pushed = await refit.push(bytes, room - layer.roomBytes);
      bytes = isEnd ? joinBytes([pushed, await refit.end()]) : pushed;
      layer.roomBytes = room;
      layer.saidBytes += bytes.length;
      waitingInside = ofAll - layer.saidBytes;
    }
    return bytes;
  }
}

/** Those that change anything, in the order in which they were applied. */
export function encodingNames(contentEncoding: string): string[] {
  return contentEncoding
    .split(',')
    .map((name) => name.trim().toLowerCase().replace(/^x-/, ''))
    .filter((name) => name !== '' && name !== 'identity' && name !== 'none');
}
