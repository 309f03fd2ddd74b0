// Server-sent events from bytes, thin over eventsource-parser: this file adds UTF-8 that is cut anywhere, a bound on what is
// buffered, and what an event stream without its last blank line still says.
import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';

import { readOutsideJson } from '../domain/index.ts';

/** One event; `data` joins its data lines by newlines. `event` and `id` are null where the stream does not give them. */
export interface SseEvent {
  readonly event: string | null;
  readonly id: string | null;
  readonly data: string;
}

const defaultMaxEventChars = 16 * 1024 * 1024;
/** The parser joins the data lines of an event as they come, at 64 bytes for each, however short: `data:` over and over would fill memory. */
const maxEventLines = 100_000;
const sliceChars = 64 * 1024;

/** Bytes in, events out, the same however the bytes are cut. Never throws for what the bytes hold. */
export class SseDecoder {
  readonly #text = new TextDecoder('utf-8');
  readonly #maxEventChars: number;
  readonly #parser: EventSourceParser;
  #events: SseEvent[] = [];
  #isOverflowing = false;
  #tail = '';
  #openLines = 0;
  #droppedEvents = 0;

  /** An event above `maxEventChars` (16 Mi), or of more than 100,000 lines, is dropped, and counted in `droppedEvents`. */
  constructor(options: { maxEventChars?: number } = {}) {
    this.#maxEventChars = options.maxEventChars ?? defaultMaxEventChars;
    this.#parser = createParser({
      maxBufferSize: this.#maxEventChars,
      onEvent: ({ event, id, data }) => {
        this.#openLines = 0;
        if (data.length > this.#maxEventChars) this.#droppedEvents += 1;
        else this.#events.push({ event: event ?? null, id: id ?? null, data });
      },
      onError: ({ type }) => {
        if (type !== 'max-buffer-size-exceeded') return;
        this.#isOverflowing = true;
        this.#droppedEvents += 1;
      },
    });
  }

  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  push(chunk: Uint8Array): SseEvent[] {
    const text = this.#text.decode(chunk, { stream: true });
    for (let at = 0; at < text.length; at += sliceChars) this.#feed(text.slice(at, at + sliceChars));
    return this.#take();
  }

  /** The stream is over. An event that had no blank line is given too if its data is complete JSON. */
  end(): SseEvent[] {
    this.#feed(this.#text.decode());
    // A CR at the very end may be a line end of its own: what it completes is complete.
    if (this.#tail.endsWith('\r')) this.#feed('\n');
    const complete = this.#take();
    if (!this.#isOverflowing) this.#feed('\n\n');
    return [...complete, ...this.#take().filter(({ data }) => isJson(data))];
  }

  #feed(text: string): void {
    let rest = text;
    if (this.#isOverflowing) {
      const next = this.#afterBlankLine(rest);
      if (next === null) return;
      rest = next;
      this.#parser.reset();
      this.#isOverflowing = false;
    }
    if (rest === '') return;
    // The parser waits after a CR for what follows. Where that is no LF, an LF of our own makes it the same line end, known now.
    if (this.#tail.endsWith('\r') && !rest.startsWith('\n')) {
      this.#tail = '';
      this.#parser.feed('\n');
      if (this.#isOverflowing) return this.#feed(rest);
    }
    const { joined, isBlankInside } = this.#join(rest);
    this.#tail = joined.slice(-3);
    const before = this.#openLines;
    this.#parser.feed(rest);
    this.#countLines(rest, before, isBlankInside);
  }

  #join(text: string): { joined: string; isBlankInside: boolean } {
    const joined = this.#tail + text;
    return { joined, isBlankInside: blankLine.test(joined) };
  }

  /** Lines since the last event or blank line. */
  #countLines(text: string, before: number, isBlankInside: boolean): void {
    if (isBlankInside) this.#openLines = 0;
    else if (this.#openLines === before) this.#openLines += countLineEnds(text);
    if (this.#openLines <= maxEventLines || this.#isOverflowing) return;
    this.#openLines = 0;
    this.#isOverflowing = true;
    this.#droppedEvents += 1;
    this.#parser.reset();
  }

  /** What follows the next blank line, or null where none has come yet. */
  #afterBlankLine(text: string): string | null {
    const joined = this.#tail + text;
    const blank = blankLine.exec(joined);
    this.#tail = joined.slice(-3);
    if (blank === null) return null;
    this.#tail = '';
    return joined.slice(blank.index + blank[0].length);
  }

  #take(): SseEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

const blankLine = /\r\n\r\n|\n\n|\r\r\n?|\n\r\n?/;

function countLineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  for (let at = text.indexOf('\r'); at !== -1; at = text.indexOf('\r', at + 1)) count += 1;
  return count;
}

const fieldStarts = [':', 'event:', 'data:', 'id:', 'retry:'];

/** Does this body begin like an event stream? Decided by its first bytes: the real service is reported to send no content-type. */
export function looksLikeSse(start: Uint8Array): boolean {
  const text = new TextDecoder('utf-8').decode(start.subarray(0, 256)).replace(/^[\r\n]+/, '');
  if (text === '') return false;
  // A first chunk of a few bytes may stop inside the field name.
  return fieldStarts.some((field) => text.startsWith(field) || field.startsWith(text));
}

function isJson(data: string): boolean {
  return readOutsideJson(data).type !== 'none';
}
