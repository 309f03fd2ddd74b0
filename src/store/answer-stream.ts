// What the decoded bytes of an answer say, read as they come. An event stream or one JSON document: the first bytes decide,
// because the provider may send no content-type. Used live, over what a crash left, and by a reader that looks at a running call.
import { BytePile } from '../domain/index.ts';
import type { Answer } from '../wire/index.ts';
import { looksLikeSse, readJsonAnswer, ResponsesReader, sayEvents, SseDecoder } from '../wire/index.ts';

// Enough for "event: " or "data: " behind a byte order mark and an empty line.
const decideBytes = 16;
// A JSON answer is one response object or an error; a longer one is something else, and is kept without being understood.
const jsonLimitBytes = 16 * 1024 * 1024;
const errorLimitBytes = 64 * 1024;
/** Of one WebSocket message. */
const maxLineChars = 16 * 1024 * 1024;

export class AnswerStream {
  readonly #reader = new ResponsesReader();
  readonly #sse = new SseDecoder();
  readonly #start = new BytePile();
  #startBytes = 0;
  readonly #text = new TextDecoder();
  #line = '';
  #isLineTooLong = false;
  #longLines = 0;
  #kind: 'undecided' | 'sse' | 'lines' | 'json' = 'undecided';
  #firstMono: number | null = null;

  push(bytes: Uint8Array, mono: number): void {
    if (bytes.length === 0) return;
    this.#firstMono ??= mono;
    if (this.#kind === 'sse') {
      this.#read(bytes, mono);
      return;
    }
    if (this.#startBytes < jsonLimitBytes) this.#start.push(bytes);
    this.#startBytes += bytes.length;
    if (this.#kind === 'undecided' && this.#startBytes >= decideBytes) this.#decide(mono);
  }

  /** WebSocket messages as they are kept: one event a line, where a line may begin in one piece and end in the next. */
  pushLines(bytes: Uint8Array, mono: number): void {
    if (bytes.length === 0) return;
    this.#kind = 'lines';
    const [first = '', ...lines] = this.#text.decode(bytes, { stream: true }).split('\n');
    this.#addToLine(first);
    for (const line of lines) {
      this.#endLine(mono);
      this.#addToLine(line);
    }
  }

  #addToLine(text: string): void {
    if (this.#isLineTooLong) return;
    this.#line += text;
    if (this.#line.length <= maxLineChars) return;
    this.#isLineTooLong = true;
    this.#longLines += 1;
    this.#line = '';
  }

  #endLine(mono: number): void {
    if (this.#line !== '') this.#reader.push(this.#line, mono);
    this.#line = '';
    this.#isLineTooLong = false;
  }

  /** The event that ends it has come; the stream itself may stay open. */
  get isTerminal(): boolean {
    return this.#reader.isTerminal;
  }

  /** Null: nothing came. `errorBody` is the start of an answer that is not an event stream. */
  end(mono: number): { answer: Answer | null; errorBody: string | null } {
    if (this.#kind === 'undecided' && this.#startBytes > 0) this.#decide(mono);
    if (this.#kind === 'sse') {
      for (const event of this.#sse.end()) this.#reader.push(event.data, mono);
      return { answer: this.#withDropped(this.#sse.droppedEvents), errorBody: null };
    }
    if (this.#kind === 'lines') {
      this.#endLine(mono);
      return { answer: this.#withDropped(this.#longLines), errorBody: null };
    }
    if (this.#kind === 'undecided') return { answer: null, errorBody: null };
    const text = new TextDecoder().decode(this.#start.take());
    return {
      answer: this.#startBytes <= jsonLimitBytes ? readJsonAnswer(text, this.#firstMono ?? mono) : null,
      errorBody: text.slice(0, errorLimitBytes),
    };
  }

  #withDropped(events: number): Answer {
    const answer = this.#reader.answer();
    if (events === 0) return answer;
    const dropped = sayEvents(events, 'long');
    return { ...answer, notRead: answer.notRead === undefined ? dropped : `${dropped}, ${answer.notRead}` };
  }

  #decide(mono: number): void {
    const start = this.#start.take();
    this.#kind = looksLikeSse(start) ? 'sse' : 'json';
    if (this.#kind === 'json') this.#start.push(start);
    else this.#read(start, mono);
  }

  #read(bytes: Uint8Array, mono: number): void {
    for (const event of this.#sse.push(bytes)) this.#reader.push(event.data, mono);
  }
}
