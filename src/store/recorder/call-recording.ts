// One call from its first request byte to its last response byte: what is kept of it. What is derived of that is call-derivation.ts's.
// The row is written when the request is complete (status streaming), the bytes as they come, the rest when it ends.
import type { CallEnding } from '../../derive/index.ts';
import type { RawHeaders, Stamp } from '../../domain/index.ts';
import { AnswerStream } from '../answer-stream.ts';
import { ChunkTimesBuilder } from '../chunk-times.ts';
import { packBody } from '../compression.ts';
import { keptInChunks, mergeChunks } from '../open-call.ts';
import type { CallTimesRow } from '../rows.ts';
import { notReadMark } from '../rows.ts';
import { CallDerivation } from './call-derivation.ts';
import type { ResponseHeadFacts } from './call-derivation.ts';
import { indexAnswer, indexSent } from '../search-index.ts';
import { isoTime, readHeader } from './recording-context.ts';
import type { RecordingContext } from './recording-context.ts';
import { RequestBody } from './request-body.ts';
import { ResponseBody } from './response-body.ts';
import type { ResponseSizes } from './response-body.ts';

export interface CallStart {
  readonly callId: string;
  readonly exchangeId: string;
  readonly exchangeStartedAt: Stamp;
  readonly transport: 'https' | 'websocket';
  readonly path: string;
  /** Masked. */
  readonly headers: RawHeaders;
  readonly startedAt: Stamp;
}

export type CallEnd = Pick<CallEnding, 'ended' | 'failure'>;

const newline = Uint8Array.of(0x0a);

export class CallRecording {
  readonly #context: RecordingContext;
  readonly #start: CallStart;
  readonly #request: RequestBody;
  readonly #answer = new AnswerStream();
  readonly #chunkTimes: ChunkTimesBuilder;
  #response: ResponseBody | null = null;
  #responseHead: ResponseHeadFacts | null = null;
  #requestEnded: Stamp | null = null;
  /** Null before the request is complete; so are the times. */
  #derivation: CallDerivation | null = null;
  #times: CallTimesRow | null = null;
  /** Answer bytes that came before the request was complete. */
  #early: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];

  constructor(context: RecordingContext, start: CallStart) {
    this.#context = context;
    this.#start = start;
    this.#request = new RequestBody(start.callId);
    this.#chunkTimes = new ChunkTimesBuilder(start.startedAt.mono - start.exchangeStartedAt.mono);
  }

  pushRequest(data: Uint8Array): void {
    this.#request.push(data);
  }

  loseBytes(side: 'request' | 'response', bytes: number): void {
    if (side === 'request') this.#request.lose(bytes);
    else this.#openResponse().lose(bytes);
  }

  /** The request is complete, or will not become more so. */
  async settleRequest(stamp: Stamp): Promise<void> {
    if (this.#requestEnded !== null) return;
    this.#requestEnded = stamp;
    const { identify, writer, tally } = this.#context;
    const { callId, exchangeId, headers, path, startedAt } = this.#start;
    const { threadId, sessionId } = identify(headers, null, path);
    const encoding = readHeader(headers, 'content-encoding');
    const body = await this.#request.settle(encoding, threadId ?? sessionId ?? '', this.#context);
    const requestEndedMs = this.#sinceStart(stamp);
    const facts = { ...this.#start, startedAt: isoTime(startedAt.at), requestEndedMs };
    const { reading } = body;
    const derivation = await CallDerivation.begin(this.#context, facts, reading, this.#responseHead);
    this.#derivation = derivation;
    tally.countCall({ ...derivation.place, isBackground: derivation.isBackground });
    this.#times = {
      call_id: callId,
      exchange_id: exchangeId,
      started_at: facts.startedAt,
      request_order: this.#context.nextOrder(),
      end_order: null,
      request_ended_ms: requestEndedMs,
      first_token_ms: null,
      ended_ms: null,
      ended_at: null,
      ended: 'open',
      failure: null,
    };
    writer.put('call_times', this.#times);
    body.putItems();
    writer.put('bodies', withNotRead(body.row, reading.notRead));
    for (const { sql, values } of indexSent(derivation.row, derivation.place.unseen)) writer.run(sql, values);
    for (const { atMs, bytes } of this.#early.splice(0)) writer.appendChunk(callId, atMs, bytes);
  }

  startResponse(status: number, headers: RawHeaders): void {
    this.#responseHead = { status, headers };
    this.#derivation?.startResponse(this.#responseHead);
  }

  /** Undefined: it is done already. */
  pushResponse(data: Uint8Array, stamp: Stamp): Promise<void> | undefined {
    this.#chunkTimes.add(this.#sinceStart(stamp), data.length);
    const kept = this.#openResponse().push(data);
    if (kept instanceof Promise) return kept.then((bytes) => this.#keep(bytes, stamp));
    this.#keep(kept, stamp);
    return undefined;
  }

  /** A WebSocket message of the answer: kept as a line. */
  pushMessage(data: Uint8Array, stamp: Stamp): Promise<void> | undefined {
    return this.pushResponse(Buffer.concat([data, newline]), stamp);
  }

  async end(end: CallEnd, stamp: Stamp): Promise<void> {
    await this.settleRequest(stamp);
    const [derivation, times] = [this.#derivation, this.#times];
    // What failed while the request was read has been counted then.
    if (derivation === null || times === null) return;
    const { writer, tally, nextOrder } = this.#context;
    const response = this.#openResponse();
    this.#keep(await response.end(), stamp);
    const { answer, errorBody } = this.#answer.end(stamp.mono);
    if (!derivation.isBackground) tally.countUsage(answer?.usage ?? null);
    const facts = {
      ...end,
      firstTokenMs: answer?.firstTokenAt == null ? null : answer.firstTokenAt - this.#start.startedAt.mono,
      endedMs: this.#sinceStart(stamp),
      endedAt: isoTime(stamp.at),
    };
    try {
      await this.#putResponse(withNotRead(response.sizes(), answer?.notRead ?? null));
    } finally {
      // In one batch with its body, so that no crash leaves an ended call without one.
      const output = derivation.end({ ...facts, answer, errorBody });
      for (const { sql, values } of indexAnswer(derivation.row, output)) writer.run(sql, values);
      writer.put('call_times', {
        ...times,
        end_order: nextOrder(),
        first_token_ms: facts.firstTokenMs,
        ended_ms: facts.endedMs,
        ended_at: facts.endedAt,
        ended: end.ended,
        failure: end.failure === null ? null : JSON.stringify(end.failure),
      });
      // What has been completed is not lost to a kill that comes before the next batch would be written.
      writer.hurry();
    }
  }

  #openResponse(): ResponseBody {
    const encoding = this.#start.transport === 'websocket' ? null : this.#responseEncoding();
    this.#response ??= new ResponseBody(encoding, this.#context.vault);
    return this.#response;
  }

  #responseEncoding(): string | null {
    return this.#responseHead === null ? null : readHeader(this.#responseHead.headers, 'content-encoding');
  }

  #keep(bytes: Uint8Array, stamp: Stamp): void {
    this.#append(bytes, stamp);
    const { isTerminal } = this.#answer;
    if (this.#start.transport === 'https') this.#answer.push(bytes, stamp.mono);
    else this.#answer.pushLines(bytes, stamp.mono);
    // The agent has its answer now, and closes the stream when it likes: Codex takes 30 ms.
    if (this.#answer.isTerminal && !isTerminal) this.#context.writer.hurry();
  }

  #append(bytes: Uint8Array, stamp: Stamp): void {
    if (bytes.length === 0) return;
    const atMs = this.#sinceStart(stamp);
    if (this.#derivation === null) this.#early.push({ atMs, bytes });
    else this.#context.writer.appendChunk(this.#start.callId, atMs, bytes);
  }

  #sinceStart(stamp: Stamp): number {
    return Math.max(0, stamp.mono - this.#start.startedAt.mono);
  }

  /** The chunks become one body. */
  async #putResponse(sizes: ResponseSizes): Promise<void> {
    if (sizes.wire_bytes === 0) return;
    const { connection, writer } = this.#context;
    const chunk_times = this.#chunkTimes.pack();
    const base = { call_id: this.#start.callId, side: 'response', node: null, chunk_times, ...sizes } as const;
    const kept = keptInChunks(sizes.stored_bytes);
    if (kept !== null) {
      writer.put('bodies', { ...base, ...kept });
      return;
    }
    const { rowsOnDisk, pending } = await writer.takeChunks(base.call_id);
    const merging =
      rowsOnDisk === 0 ? packBody(Buffer.concat(pending)) : mergeChunks(connection, base.call_id, pending);
    writer.put('bodies', { ...base, ...(await merging) });
    if (rowsOnDisk > 0) writer.run('DELETE FROM response_chunks WHERE call_id = ?', [base.call_id]);
  }
}

/** What was kept and not understood is told beside what was not kept. */
function withNotRead<Row extends Pick<ResponseSizes, 'problem'>>(row: Row, notRead: string | null): Row {
  if (notRead === null) return row;
  const said = `${notReadMark} ${notRead}`;
  return { ...row, problem: row.problem === null ? said : `${row.problem}; ${said}` };
}
