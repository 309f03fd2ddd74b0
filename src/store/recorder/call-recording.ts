// One call from its first request byte to its last response byte: what is kept of it, and what is derived as it goes.
// The row is written when the request is complete (status streaming), the bytes as they come, the rest when it ends.
import type { CallIdentity } from '../../agents/index.ts';
import type { CallEnding, RequestReading } from '../../derive/index.ts';
import { readRateLimits, readRequestBody, toItem } from '../../derive/index.ts';
import type { CallStatus, Item, RawHeaders, Stamp } from '../../domain/index.ts';
import type { Answer } from '../../wire/index.ts';
import { AnswerStream } from '../answer-stream.ts';
import { answerColumns, keptInChunks, mergeChunks } from '../open-call.ts';
import type { CallRow, CallTimesRow } from '../rows.ts';
import type { Placement } from './conversations.ts';
import { isoTime, readHeader } from './recording-context.ts';
import type { RecordingContext } from './recording-context.ts';
import { RequestBody } from './request-body.ts';
import { ResponseBody } from './response-body.ts';
import type { ResponseSizes } from './response-body.ts';

export interface CallStart {
  readonly callId: string;
  readonly exchangeId: string;
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
  #response: ResponseBody | null = null;
  #responseHead: { status: number; headers: RawHeaders } | null = null;
  #requestEnded: Stamp | null = null;
  /** The row as it was written last; null before the request is complete. */
  #row: CallRow | null = null;
  #times: CallTimesRow | null = null;
  #identity: CallIdentity | null = null;
  /** Of a title request: what it was about. */
  #titleRequest: string | null = null;
  /** Answer bytes that came before the request was complete. */
  #early: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];

  constructor(context: RecordingContext, start: CallStart) {
    this.#context = context;
    this.#start = start;
    this.#request = new RequestBody(start.callId);
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
    const { vault, writer, identify, conversations, requests } = this.#context;
    const { callId, headers, path } = this.#start;
    const body = await this.#request.settle(readHeader(headers, 'content-encoding'), vault, requests);
    const reading = readRequestBody(body.text);
    const identity = identify(headers, reading.json, path);
    const place = await conversations.place(callId, identity, reading);
    this.#identity = identity;
    if (this.#isBackground) this.#titleRequest = reading.inputItems.map(({ item }) => item.text ?? '').join('\n');
    this.#row = { ...this.#firstRow(identity, reading, place, stamp), ...this.#headColumns() };
    this.#times = this.#firstTimes(stamp);
    this.#putPlace(identity, place);
    writer.put('calls', this.#row);
    writer.put('call_times', this.#times);
    body.putItems();
    writer.put('bodies', body.row);
    for (const { atMs, bytes } of this.#early.splice(0)) writer.appendChunk(callId, atMs, bytes);
  }

  startResponse(status: number, headers: RawHeaders): void {
    this.#responseHead = { status, headers };
    if (this.#row === null) return;
    this.#row = { ...this.#row, ...this.#headColumns() };
    this.#context.writer.put('calls', this.#row);
  }

  async pushResponse(data: Uint8Array, stamp: Stamp): Promise<void> {
    this.#keep(await this.#openResponse().push(data), stamp);
  }

  /** A WebSocket message of the answer: kept as a line. */
  async pushMessage(data: Uint8Array, stamp: Stamp): Promise<void> {
    this.#keep(await this.#openResponse().push(Buffer.concat([data, newline])), stamp);
  }

  async end(end: CallEnd, stamp: Stamp): Promise<void> {
    await this.settleRequest(stamp);
    const [begun, times] = [this.#row, this.#times];
    // What failed while the request was read has been counted then.
    if (begun === null || times === null) return;
    const { writer, conversations, tally } = this.#context;
    const { callId } = this.#start;
    const response = this.#openResponse();
    this.#keep(await response.end(), stamp);
    const { answer, errorBody } = this.#answer.end(stamp.mono);
    const ending: CallEnding = { httpStatus: begun.http_status, answer, errorBody, ...end };
    const row: CallRow = {
      ...begun,
      ...answerColumns(ending, answer, begun),
      ended_at: isoTime(stamp.at),
      ended_ms: this.#sinceStart(stamp),
      first_token_ms: answer?.firstTokenAt == null ? null : answer.firstTokenAt - this.#start.startedAt.mono,
    };
    this.#row = row;
    const endOrder = this.#context.nextOrder();
    const output = (answer?.items ?? []).map(({ json }) => toItem(json));
    conversations.finish(row.thread_id, callId, row.status as CallStatus, output);
    if (!this.#isBackground) tally.countUsage(answer?.usage ?? null);
    try {
      await this.#putResponse(response.sizes());
    } finally {
      // In one batch with its body, so that no crash leaves an ended call without one.
      writer.put('calls', row);
      writer.put('call_times', {
        ...times,
        end_order: endOrder,
        first_token_ms: row.first_token_ms,
        ended_ms: row.ended_ms,
        ended_at: row.ended_at,
        ended: end.ended,
        failure: end.failure === null ? null : JSON.stringify(end.failure),
      });
      this.#putSession(isoTime(stamp.at));
      this.#noteTitle(answer, output);
    }
  }

  get #isBackground(): boolean {
    return this.#identity?.kind === 'title';
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
    if (this.#start.transport === 'https') this.#answer.push(bytes, stamp.mono);
    else this.#answer.pushLines(bytes, stamp.mono);
  }

  #append(bytes: Uint8Array, stamp: Stamp): void {
    if (bytes.length === 0) return;
    const atMs = this.#sinceStart(stamp);
    if (this.#row === null) this.#early.push({ atMs, bytes });
    else this.#context.writer.appendChunk(this.#start.callId, atMs, bytes);
  }

  #headColumns(): Pick<CallRow, 'http_status' | 'rate_limits'> {
    const limits = this.#responseHead === null ? null : readRateLimits(this.#responseHead.headers);
    return {
      http_status: this.#responseHead?.status ?? null,
      rate_limits: limits === null ? null : JSON.stringify(limits),
    };
  }

  #sinceStart(stamp: Stamp): number {
    return Math.max(0, stamp.mono - this.#start.startedAt.mono);
  }

  /** The chunks become one body. */
  async #putResponse(sizes: ResponseSizes): Promise<void> {
    if (sizes.wire_bytes === 0) return;
    const { connection, writer } = this.#context;
    const base = { call_id: this.#start.callId, side: 'response', node: null, ...sizes } as const;
    const kept = keptInChunks(sizes.stored_bytes);
    if (kept !== null) {
      writer.put('bodies', { ...base, ...kept });
      return;
    }
    const { rowsOnDisk, pending } = await writer.takeChunks(base.call_id);
    writer.put('bodies', { ...base, ...(await mergeChunks(connection, base.call_id, pending)) });
    if (rowsOnDisk > 0) writer.run('DELETE FROM response_chunks WHERE call_id = ?', [base.call_id]);
  }

  #firstTimes(requestEnded: Stamp): CallTimesRow {
    const { callId, exchangeId, startedAt } = this.#start;
    return {
      call_id: callId,
      exchange_id: exchangeId,
      started_at: isoTime(startedAt.at),
      request_order: this.#context.nextOrder(),
      end_order: null,
      request_ended_ms: this.#sinceStart(requestEnded),
      first_token_ms: null,
      ended_ms: null,
      ended_at: null,
      ended: 'open',
      failure: null,
    };
  }

  #firstRow(identity: CallIdentity, reading: RequestReading, place: Placement, requestEnded: Stamp): CallRow {
    const { callId, exchangeId, transport, startedAt } = this.#start;
    return {
      id: callId,
      exchange_id: exchangeId,
      run_id: this.#context.run.id,
      session_id: place.sessionId,
      thread_id: place.threadId,
      turn_id: place.turnId,
      kind: identity.kind,
      attempt: place.attempt,
      retry_key: place.retryKey,
      transport,
      status: 'streaming',
      model: reading.model,
      response_id: null,
      previous_response_id: reading.previousResponseId,
      http_status: null,
      error_code: null,
      error_message: null,
      started_at: isoTime(startedAt.at),
      ended_at: null,
      request_ended_ms: this.#sinceStart(requestEnded),
      first_token_ms: null,
      ended_ms: null,
      input_items: reading.inputItems.length,
      new_items: place.newItems,
      input_tokens: null,
      cached_input_tokens: null,
      output_tokens: null,
      reasoning_tokens: null,
      total_tokens: null,
      rate_limits: null,
      tool_outputs: JSON.stringify(place.toolOutputs),
      output: '[]',
    };
  }

  #putPlace(identity: CallIdentity, place: Placement): void {
    const { writer, tally, titles } = this.#context;
    const started = isoTime(this.#start.startedAt.at);
    this.#putSession(started);
    writer.put('threads', {
      id: place.threadId,
      session_id: place.sessionId,
      parent_thread_id: identity.parentThreadId,
      agent_name: identity.agentName,
      subagent: identity.subagent,
      started_at: started,
    });
    tally.countCall({ ...place, isBackground: this.#isBackground });
    if (place.turnId === null) return;
    writer.put('turns', {
      thread_id: place.threadId,
      id: place.turnId,
      session_id: place.sessionId,
      prompt: place.prompt,
      started_at: started,
    });
    // Prewarms that came before the turn belong to it.
    writer.run('UPDATE calls SET turn_id = ? WHERE thread_id = ? AND turn_id IS NULL', [place.turnId, place.threadId]);
    if (place.prompt !== null && identity.kind === 'turn' && identity.parentThreadId === null) {
      this.#putTitle(titles.notePrompt(place.sessionId, place.prompt));
    }
  }

  #putSession(lastAt: string): void {
    const { run, writer } = this.#context;
    const row = this.#row!;
    const identity = this.#identity!;
    writer.put('sessions', {
      id: row.session_id,
      agent: run.agent ?? 'unknown',
      agent_version: identity.agentVersion,
      originator: identity.originator,
      cwd: identity.cwd ?? (this.#isBackground ? null : run.cwd),
      kind: this.#isBackground ? 'title' : 'user',
      title: null,
      started_at: row.started_at,
      last_at: lastAt,
    });
  }

  #noteTitle(answer: Answer | null, output: readonly Item[]): void {
    if (this.#titleRequest === null || answer?.terminal !== 'completed') return;
    const text = output.map((item) => (item.type === 'message' ? (item.text ?? '') : '')).join('');
    this.#putTitle(this.#context.titles.noteTitle(this.#titleRequest, text));
  }

  #putTitle(found: { sessionId: string; title: string } | null): void {
    if (found === null) return;
    this.#context.writer.run('UPDATE sessions SET title = ? WHERE id = ?', [found.title, found.sessionId]);
  }
}
