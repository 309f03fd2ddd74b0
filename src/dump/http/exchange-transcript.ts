// What an exchange said on one connection, as bytes of HTTP/1.1: heads as they were, bodies framed as the heads say, WebSocket frames,
// and how the connection ended. It knows nothing of TCP: who says what, and when a side hangs up, is all that it gives.
import type { AbortedBy, RequestHead, ResponseHead } from '../../domain/index.ts';
import type { BodySide, DumpEvent } from '../dump-event.ts';
import {
  BodyFrames,
  chunkedHeader,
  isHttp1,
  readHeader,
  requestFraming,
  requestHeadBytes,
  responseFraming,
  responseHeadBytes,
  type Piece,
} from './framing.ts';
import { closePayload, socketFrame } from './socket-frame.ts';

type Speaker = 'client' | 'server';

export type LegAction =
  | { readonly type: 'say'; readonly from: Speaker; readonly piece: Piece; readonly comments: readonly string[] }
  | { readonly type: 'end'; readonly first: Speaker; readonly comments: readonly string[] }
  | { readonly type: 'reset'; readonly from: Speaker; readonly comments: readonly string[] };

export type ExchangeEvent = Extract<DumpEvent, { readonly exchangeId: string }>;

export interface TranscriptOptions {
  /** Which leg this is: it decides who hung up. */
  readonly leg: 'agent' | 'provider';
  readonly request: RequestHead;
  /** Said with the first byte of the request, and with the first of the answer. */
  readonly requestComments: readonly string[];
  readonly responseComments: readonly string[];
}

export class ExchangeTranscript {
  readonly #leg: 'agent' | 'provider';
  readonly #request: RequestHead;
  readonly #comments: Record<Speaker, string[]>;
  #requestFrames: BodyFrames | null = null;
  #responseFrames: BodyFrames | null = null;
  #status = 0;
  #isRequestOver = false;
  #isOver = false;
  /** Heads as they were said. */
  readonly #heads: Record<Speaker, Buffer | null> = { client: null, server: null };

  constructor({ leg, request, requestComments, responseComments }: TranscriptOptions) {
    this.#leg = leg;
    this.#request = request;
    this.#comments = { client: [...requestComments], server: [...responseComments] };
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  write(event: ExchangeEvent): LegAction[] {
    switch (event.type) {
      case 'requestStarted':
        return this.#beginRequest();
      case 'requestData':
        return this.#body('client', this.#settleRequest(true), event.data);
      case 'requestEnded':
        return this.#endRequest();
      case 'responseStarted':
        return [...this.#answerEarly(), ...this.#beginResponse(event.response)];
      case 'responseData':
        return this.#body('server', [], event.data);
      case 'responseEnded':
        return this.#endResponse();
      case 'exchangeAborted':
        return this.#abort(event.by, event.error);
      case 'upgradeRefused':
        return this.#refuse(event.status);
      case 'socketOpened':
        return [
          ...this.#sayHead('client', requestHeadBytes(event.request)),
          ...this.#sayHead('server', responseHeadBytes(event.request, event.response)),
        ];
      case 'socketMessage': {
        const isFromClient = event.from === 'agent';
        const frame = socketFrame({ isFromClient, opcode: event.isBinary ? 2 : 1, data: event.data });
        return this.#say(isFromClient ? 'client' : 'server', frame);
      }
      case 'socketMissed':
        this.#comments[event.from === 'agent' ? 'client' : 'server'].push(
          `${event.bytes} bytes of messages are missing here: ${event.why}`,
        );
        return [];
      case 'socketClosed':
        return this.#closeSocket(event.code, event.reason);
      case 'bytesMissing':
        this.#comments[speakerOf(event.side)].push(`${event.bytes} bytes are missing here: ${event.why}`);
        return event.side === 'request'
          ? this.#body('client', this.#settleRequest(true), event.bytes)
          : this.#body('server', [], event.bytes);
      case 'remark':
        this.#comments[speakerOf(event.side)].push(event.text);
        return [];
      default:
        return event satisfies never;
    }
  }

  /** Said again at the beginning of a next file: heads, and in place of what was said behind them that it is missing. */
  resume(): LegAction[] {
    const actions: LegAction[] = [];
    for (const from of ['client', 'server'] as const) {
      const head = this.#heads[from];
      if (head === null) continue;
      this.#comments[from].push('the head is said again; what is not here is in the file before');
      actions.push(...this.#pieces(from, [head]));
      const frames = from === 'client' ? this.#requestFrames : this.#responseFrames;
      const isEnded = from === 'client' && this.#isRequestOver;
      if (frames !== null) actions.push(...this.#pieces(from, frames.missed(isEnded)));
    }
    return actions;
  }

  #beginRequest(): LegAction[] {
    const framing = requestFraming(this.#request);
    if (framing.type === 'unsaid') return [];
    this.#requestFrames = new BodyFrames(framing);
    return this.#sayHead('client', requestHeadBytes(this.#request));
  }

  /** A head that did not say what follows waits until that is known. */
  #settleRequest(hasBody: boolean): LegAction[] {
    if (this.#requestFrames !== null) return [];
    this.#requestFrames = new BodyFrames({ type: hasBody ? 'chunked' : 'none' });
    if (hasBody)
      this.#comments.client.push(
        'transfer-encoding: chunked is not of the request: its head did not say how long it is',
      );
    return this.#sayHead('client', requestHeadBytes(this.#request, hasBody ? chunkedHeader : []));
  }

  #endRequest(): LegAction[] {
    if (this.#isRequestOver) return [];
    const head = this.#settleRequest(false);
    this.#isRequestOver = true;
    return [...head, ...this.#pieces('client', this.#requestFrames?.end() ?? [])];
  }

  /** The answer begins before the request is complete: then its head has to go out in any case. */
  #answerEarly(): LegAction[] {
    return this.#settleRequest(!this.#isRequestOver && /^(POST|PUT|PATCH)$/i.test(this.#request.method));
  }

  #beginResponse(response: ResponseHead): LegAction[] {
    this.#status = response.status;
    this.#responseFrames = new BodyFrames(responseFraming(this.#request, response));
    this.#closesAfter =
      this.#responseFrames.framing.type === 'untilClose' ||
      !isHttp1(this.#request) ||
      this.#request.httpVersion === '1.0' ||
      [readHeader(this.#request.headers, 'connection'), readHeader(response.headers, 'connection')].some(
        (value) => value !== null && /(^|,)\s*close\s*($|,)/i.test(value),
      );
    return this.#sayHead('server', responseHeadBytes(this.#request, response));
  }

  #closesAfter = false;

  #body(from: Speaker, head: readonly LegAction[], piece: Piece): LegAction[] {
    const frames = from === 'client' ? this.#requestFrames : this.#responseFrames;
    const pieces = this.#pieces(from, frames?.push(piece) ?? []);
    return head.length === 0 ? pieces : [...head, ...pieces];
  }

  #endResponse(): LegAction[] {
    this.#isOver = true;
    const last = this.#pieces('server', this.#responseFrames?.end() ?? []);
    return this.#closesAfter ? [...last, this.#hangUp('server', [])] : last;
  }

  #abort(by: AbortedBy, error: { readonly code: string; readonly message: string } | null): LegAction[] {
    const why = error === null ? '' : `: ${error.code} ${error.message}`;
    const head = [...this.#settleRequest(false), ...this.#closeCutAnswer()];
    const owed = this.#sayOwed();
    this.#isOver = true;
    switch (by) {
      case 'agent':
        return [...head, this.#hangUp('client', [`the agent hung up${why}`, ...owed])];
      case 'upstream':
        return [
          ...head,
          { type: 'reset', from: 'server', comments: this.#take('server', `the provider failed${why}`, ...owed) },
        ];
      case 'tapes': {
        const from = this.#leg === 'agent' ? 'server' : 'client';
        return [
          ...head,
          { type: 'reset', from, comments: this.#take(from, `tapes ended the connection${why}`, ...owed) },
        ];
      }
      default:
        return by satisfies never;
    }
  }

  #refuse(status: number): LegAction[] {
    this.#isOver = true;
    this.#comments.server.push('tapes refused the upgrade, so that the agent falls back to HTTPS');
    const reason = status === 426 ? 'Upgrade Required' : 'Refused';
    return [
      ...this.#say('client', requestHeadBytes(this.#request)),
      ...this.#say('server', responseHeadBytes(this.#request, { status, reason, headers: [] })),
      this.#hangUp('server', []),
    ];
  }

  #closeSocket(code: number | null, reason: string): LegAction[] {
    this.#isOver = true;
    if (code === null) return [this.#hangUp('client', ['no close frame was seen'])];
    // 1005 says that the frame had no code (RFC 6455, section 7.4.1).
    const data = code === 1005 ? new Uint8Array(0) : closePayload(code, reason);
    return [...this.#say('client', socketFrame({ isFromClient: true, opcode: 8, data })), this.#hangUp('client', [])];
  }

  #hangUp(first: Speaker, comments: readonly string[]): LegAction {
    const surplus = [
      ...this.#sayLeftOut('request', this.#requestFrames),
      ...this.#sayLeftOut('response', this.#responseFrames),
    ];
    return { type: 'end', first, comments: [...this.#take(first), ...comments, ...surplus] };
  }

  /** Wireshark waits for the whole of such an answer, and shows nothing of it but segments. */
  #sayOwed(): string[] {
    const bytes = this.#responseFrames?.owedBytes ?? 0;
    if (bytes === 0) return [];
    return [
      `the answer, status ${this.#status}, is ${bytes} bytes short of its content-length: Wireshark shows what there is of it without the preference http.desegment_body`,
    ];
  }

  #sayLeftOut(side: BodySide, frames: BodyFrames | null): string[] {
    const bytes = frames?.surplusBytes ?? 0;
    return bytes === 0 ? [] : [`${bytes} bytes of the ${side} are left out: its head has no room for them`];
  }

  #sayHead(from: Speaker, head: Buffer): LegAction[] {
    this.#heads[from] = head;
    return this.#say(from, head);
  }

  #say(from: Speaker, piece: Piece): LegAction[] {
    return this.#pieces(from, [piece]);
  }

  #pieces(from: Speaker, pieces: readonly Piece[]): LegAction[] {
    return pieces.map((piece) => ({
      type: 'say',
      from,
      piece: typeof piece === 'number' && piece <= maxFillerBytes ? filler(piece) : piece,
      comments: this.#take(from),
    }));
  }

  /**
   * Wireshark shows nothing of an answer in chunks whose last chunk never came, not even its status; and a call that the agent hangs up on
   * as soon as it has read all it wants is such an answer.
   */
  #closeCutAnswer(): LegAction[] {
    if (this.#responseFrames?.framing.type !== 'chunked') return [];
    this.#comments.server.push('the last chunk is not from the wire: it never came');
    return this.#pieces('server', this.#responseFrames.end());
  }

  #take(from: Speaker, ...more: readonly string[]): readonly string[] {
    const said = this.#comments[from];
    return said.length === 0 ? more : [...said.splice(0), ...more];
  }
}

/** Wireshark reads no message that has a hole: what is missing is filled up, as long as that costs little. */
const maxFillerBytes = 1024 * 1024;

function filler(bytes: number): Buffer {
  const text = `[tapes: ${bytes} bytes are missing here]`;
  return Buffer.alloc(bytes, '.').fill(text.slice(0, bytes), 0, Math.min(bytes, text.length));
}

const speakerOf = (side: BodySide): Speaker => (side === 'request' ? 'client' : 'server');
