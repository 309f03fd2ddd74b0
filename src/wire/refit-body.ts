// A changed body put back under its content encoding while it passes, in just as many bytes as it had: padding stands for what became shorter,
// and a part of what became longer waits for room. What finds none by the end is left out as `*`, as much text as it takes, and counted: that is
// the last resort, after a stronger compression. In memory are at most 8 MiB of text that wait, whatever the body's length.
import { joinBytes } from './layer.ts';
import type { SegmentEncoder } from './segment-encoder.ts';

const maxWaitingBytes = 8 * 1024 * 1024;
/** Near the end of the room, an encoder that cannot go back is given no more at once. */
const pieceBytes = 16 * 1024;
/** Room that is kept for segments that become longer; of more than this padding is made. */
const keptRoomBytes = 1024 * 1024;
const maxRoomBytes = 2 * keptRoomBytes;

export class BodyRefit {
  readonly #encoder: SegmentEncoder;
  #cameBytes = 0;
  #saidBytes = 0;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Whole segments of text that have found no room yet. */
  #waiting: Uint8Array[] = [];
  /** The first of them, encoded. */
  #first: Uint8Array | null = null;
  #isStrong = false;
  #isLost = false;
  /** What the last segment came to. */
  #ratio = 1;
  #leftOutBytes = 0;
  #out: Uint8Array[] = [];

  constructor(encoder: SegmentEncoder) {
    this.#encoder = encoder;
    this.#say(encoder.head);
  }

  /** Bytes of text for which there was no room. */
  get leftOutBytes(): number {
    return this.#leftOutBytes;
  }

  /** `wireBytes`: how many bytes of the body came with this text. Gives what can go out; never more than came. */
  async push(text: Uint8Array, wireBytes: number): Promise<Uint8Array> {
    this.#cameBytes += wireBytes;
    this.#gather(text);
    while (this.#waiting.length > 0) {
      if (!(await this.#takeFirst(this.#waitingBytes > maxWaitingBytes))) break;
    }
    // What is gathered may turn out to need as much room as it is long.
    const spare = this.#roomBytes - this.#gatheredBytes;
    if (this.#waiting.length === 0 && spare > maxRoomBytes) this.#say(this.#encoder.padding(spare - keptRoomBytes));
    return joinBytes(this.#out.splice(0));
  }

  /** The rest: after it as many bytes have gone out as came. */
  async end(): Promise<Uint8Array> {
    if (this.#gatheredBytes > 0) this.#cut();
    while (this.#waiting.length > 0) await this.#takeFirst(true, true);
    this.#say(this.#encoder.end(this.#cameBytes - this.#saidBytes));
    return joinBytes(this.#out.splice(0));
  }

  get #waitingBytes(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  get #roomBytes(): number {
    return this.#cameBytes - this.#saidBytes - this.#encoder.leastEndBytes;
  }

  #say(bytes: Uint8Array): void {
    this.#saidBytes += bytes.length;
    if (bytes.length > 0) this.#out.push(bytes);
  }

  #gather(text: Uint8Array): void {
    const { maxTextBytes } = this.#encoder;
    for (let rest = text; rest.length > 0;) {
      const part = rest.subarray(0, maxTextBytes - this.#gatheredBytes);
      rest = rest.subarray(part.length);
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
      if (this.#gatheredBytes === maxTextBytes) this.#cut();
    }
  }

  #cut(): void {
    this.#waiting.push(Buffer.concat(this.#gathered.splice(0)));
    this.#gatheredBytes = 0;
  }

  /** Gives the first that waits, if there is room for it; `isForced`: with what there is. */
  async #takeFirst(isForced: boolean, isEnd = false): Promise<boolean> {
    const [text] = this.#waiting;
    if (text === undefined) return false;
    const others = this.#waiting.slice(1);
    // Those behind it can be left out, but that takes room, too.
    const owed = [...others, ...this.#gathered].reduce((sum, { length }) => sum + leastBytes(length), 0);
    const room = this.#roomBytes - owed;
    if (!this.#encoder.canTryAgain) return this.#takeOnce(text, room, isForced, isEnd);
    this.#first ??= await this.#encoder.encode(text, this.#isStrong);
    if (this.#first.length > room && !this.#isStrong && (isForced || others.length > 0)) {
      this.#isStrong = true;
      this.#first = await this.#encoder.encode(text, true);
    }
    if (this.#first.length <= room) return this.#take(text, this.#first);
    return isForced && this.#squeeze(text, this.#first.length, room);
  }

  /** An encoder that cannot go back is given what will have room, as far as that can be told before. */
  async #takeOnce(text: Uint8Array, room: number, isForced: boolean, isEnd: boolean): Promise<boolean> {
    if (this.#isLost) return this.#leaveOut(text, room);
    if (this.#first === null) {
      const hasRoom = room >= text.length * this.#ratio * 1.02 + 128;
      if (!hasRoom && !isForced) return false;
      if (!hasRoom && text.length > pieceBytes) {
        this.#waiting.splice(0, 1, text.subarray(0, pieceBytes), text.subarray(pieceBytes));
        return true;
      }
      if (!hasRoom) {
        this.#waiting[0] = leaveOutFrom(text, 0);
        this.#leftOutBytes += text.length;
      }
      this.#first = await this.#encoder.encode(this.#waiting[0]!, true);
      if (hasRoom) this.#ratio = this.#first.length / text.length;
    }
    if (this.#first.length <= room) return this.#take(this.#waiting[0]!, this.#first);
    if (!isEnd && this.#waitingBytes <= 2 * maxWaitingBytes) return false;
    this.#isLost = true;
    return this.#leaveOut(text, room);
  }

  #take(text: Uint8Array, encoded: Uint8Array): true {
    this.#waiting.shift();
    this.#first = null;
    this.#encoder.take(text, encoded);
    this.#say(encoded);
    return true;
  }

  /** As much of its beginning as there is room for, and then, apart from it, `*`. */
  async #squeeze(text: Uint8Array, encodedBytes: number, room: number): Promise<true> {
    let drop = 128 + Math.ceil(((encodedBytes - room) * text.length * 1.05) / encodedBytes);
    for (; drop < text.length; drop *= 2) {
      const from = startOfCharacter(text, text.length - drop);
      const kept = text.subarray(0, from);
      const encoded = await this.#encoder.encode(kept, true);
      if (encoded.length + leastBytes(drop) > room) continue;
      this.#encoder.take(kept, encoded);
      this.#say(encoded);
      return this.#star(text, from, room - encoded.length);
    }
    return this.#star(text, 0, room);
  }

  async #star(text: Uint8Array, from: number, room: number): Promise<true> {
    const stars = leaveOutFrom(text, from).subarray(from);
    const encoded = await this.#encoder.encode(stars, true);
    if (encoded.length > room) return this.#drop(stars);
    this.#leftOutBytes += stars.length;
    return this.#take(stars, encoded);
  }

  #leaveOut(text: Uint8Array, room: number): true {
    const filler = this.#encoder.filler(text.length);
    if (filler.length > room) return this.#drop(text);
    this.#leftOutBytes += text.length;
    return this.#take(Buffer.alloc(text.length, '*'), filler);
  }

  /** Not even that has room: the body decodes to less now. */
  #drop(text: Uint8Array): true {
    this.#waiting.shift();
    this.#first = null;
    this.#leftOutBytes += text.length;
    return true;
  }
}

/** What a segment of nothing but `*` takes at the most: deflate comes to 1,032 to 1. */
const leastBytes = (textBytes: number): number => 64 + Math.ceil(textBytes / 1000);

function leaveOutFrom(text: Uint8Array, from: number): Buffer {
  const cut = Buffer.from(text);
  const note = `[tapes: ${text.length - from} bytes are left out here]`;
  return cut.fill('*', from).fill(note.slice(0, text.length - from), from, Math.min(text.length, from + note.length));
}

/** No character of UTF-8 is cut. */
function startOfCharacter(text: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < 4 && ((text[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
