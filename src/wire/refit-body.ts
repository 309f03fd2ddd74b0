// A changed body put back under its content encoding while it passes, in just as many bytes as it had: padding stands for what became shorter,
// and a part of what became longer waits for room. What finds none by the end is left out as `*`, as much text as it takes, and counted: that is
// the last resort, after a stronger compression. In memory are at most 8 MiB of text that wait, whatever the body's length.
import { joinBytes, noBytes } from './layer.ts';
import type { SegmentEncoder } from './segment-encoder.ts';

const maxWaitingBytes = 8 * 1024 * 1024;
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
  /** What it will come to, where it cannot be tried again. */
  #foreseen: number | null = null;
  /** What the last segment came to, of its text; null before the first. */
  #ratio: number | null = null;
  /** Of those that wait: what holds nothing but `*`. */
  readonly #stars = new Set<Uint8Array>();
  /** And what was split off, and stands behind the beginning of its segment. */
  readonly #rests = new Set<Uint8Array>();
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

  /** What a segment of nothing but `*` takes at the most. */
  #leastBytes(textBytes: number): number {
    return (textBytes < minNotedBytes ? 24 : 80) + Math.ceil(textBytes / this.#encoder.starsInByte);
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
    const gathered = this.#gatheredBytes === 0 ? 0 : this.#leastBytes(this.#gatheredBytes);
    const owed = others.reduce((sum, { length }) => sum + this.#leastBytes(length), gathered);
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
      // Most often there is so much room that nothing need be tried.
      const isSure = this.#ratio !== null && room >= Math.min(1, 2 * this.#ratio) * text.length + 128;
      this.#foreseen ??= isSure ? 0 : this.#encoder.foresee(text, this.#shareOf(text, room));
      const needed = this.#foreseen + (this.#ratio === null ? 0 : flushBytes);
      if (needed > room && !isForced) return false;
      if (needed > room && !this.#stars.has(text)) return this.#split(text, room, needed);
      this.#first = await this.#encoder.encode(text, true);
      this.#ratio = this.#first.length / text.length;
    }
    if (this.#first.length <= room) return this.#take(text, this.#first);
    if (!isEnd && this.#waitingBytes <= 2 * maxWaitingBytes) return false;
    this.#isLost = true;
    return this.#leaveOut(text, room);
  }

  /** What of the room is this text's part: some of it came with the text behind. */
  #shareOf(text: Uint8Array, room: number): number {
    return (room * text.length) / (this.#waitingBytes + this.#gatheredBytes);
  }

  /** First as much of its beginning as should have room: it may come to less, and then more has. When next to nothing has, `*` goes on. */
  #split(text: Uint8Array, room: number, needed: number): true {
    // What was split off before and stands behind it shares its room.
    const [, next] = this.#waiting;
    const before = next !== undefined && this.#rests.delete(next) ? next : noBytes;
    const whole = before.length === 0 ? text : Buffer.concat([text, before]);
    const kept = room + (before.length === 0 ? 0 : this.#leastBytes(before.length)) - this.#leastBytes(whole.length);
    const share = kept / needed;
    const from = share < 0.02 ? 0 : startOfCharacter(text, Math.max(0, Math.floor(text.length * share * 0.998) - 8));
    const rest = from === 0 ? leaveOutFrom(whole, 0) : whole.subarray(from);
    if (from === 0) this.#leftOutBytes += whole.length;
    (from === 0 ? this.#stars : this.#rests).add(rest);
    this.#foreseen = null;
    this.#waiting.splice(0, before.length === 0 ? 1 : 2, ...(from === 0 ? [] : [text.subarray(0, from)]), rest);
    return true;
  }

  #take(text: Uint8Array, encoded: Uint8Array): true {
    this.#next();
    this.#encoder.take(text, encoded);
    this.#say(encoded);
    return true;
  }

  /** As much of its beginning as there is room for, and then, apart from it, `*`. */
  async #squeeze(text: Uint8Array, encodedBytes: number, room: number): Promise<true> {
    const textFor = (bytes: number, [of, to]: [of: number, to: number]): number => 16 + Math.ceil((bytes * of) / to);
    let drop = textFor(encodedBytes - room, [text.length, encodedBytes]);
    while (drop < text.length) {
      const from = startOfCharacter(text, text.length - drop);
      const kept = text.subarray(0, from);
      const encoded = await this.#encoder.encode(kept, true);
      const excess = encoded.length + this.#leastBytes(drop) - room;
      if (excess > 0) {
        drop += textFor(excess, [kept.length, encoded.length]);
        continue;
      }
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
    this.#next();
    this.#leftOutBytes += text.length;
    return true;
  }

  #next(): void {
    const text = this.#waiting.shift();
    if (text !== undefined && this.#stars.delete(text) && this.#isLost) this.#leftOutBytes -= text.length;
    if (this.#waiting[0] !== undefined) this.#rests.delete(this.#waiting[0]);
    [this.#first, this.#foreseen] = [null, null];
  }
}

/** From so much on, what is left out says so. */
const minNotedBytes = 512;
/** Behind others a segment may take this much more than was foreseen. */
const flushBytes = 24;

function leaveOutFrom(text: Uint8Array, from: number): Buffer {
  const cut = Buffer.from(text);
  if (text.length - from < minNotedBytes) return cut.fill('*', from);
  const note = `[tapes: ${text.length - from} bytes are left out here]`;
  return cut.fill('*', from).fill(note.slice(0, text.length - from), from, Math.min(text.length, from + note.length));
}

/** No character of UTF-8 is cut. */
function startOfCharacter(text: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < 4 && ((text[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
