// What is derived of one call, from what is kept of it: the rows of its session, thread, turn and call. The recorder runs it while a call
// passes, `tapes rederive` over what was kept: the same facts in the same order give the same rows. It reads no clock and keeps no bytes.
import type { CallIdentity } from '../../agents/index.ts';
import type { CallEnding, RequestReading } from '../../derive/index.ts';
import { readRateLimits, stringifyDeep, toItem } from '../../derive/index.ts';
import type { CallStatus, Item, RawHeaders } from '../../domain/index.ts';
import type { Answer } from '../../wire/index.ts';
import { answerColumns } from '../open-call.ts';
import type { CallRow } from '../rows.ts';
import type { Conversations, Placement } from './conversations.ts';
import type { IdentityReader, RunStart } from './recorder-types.ts';
import type { Titles } from './titles.ts';
import type { Writer } from './writer.ts';

export interface DerivationContext {
  readonly run: Pick<RunStart, 'id' | 'agent' | 'cwd'>;
  readonly conversations: Conversations;
  readonly titles: Titles;
  readonly identify: IdentityReader;
  /** Where the rows go. */
  readonly writer: Pick<Writer, 'put' | 'run'>;
}

/** Masked, as all that is kept. */
export interface CallFacts {
  readonly callId: string;
  readonly exchangeId: string;
  readonly transport: 'https' | 'websocket';
  readonly path: string;
  readonly headers: RawHeaders;
  /** ISO 8601 */
  readonly startedAt: string;
  /** After `startedAt`. */
  readonly requestEndedMs: number;
}

export interface ResponseHeadFacts {
  readonly status: number;
  readonly headers: RawHeaders;
}

export interface CallEndFacts {
  readonly ended: CallEnding['ended'];
  readonly failure: CallEnding['failure'];
  readonly answer: Answer | null;
  readonly errorBody: string | null;
  readonly firstTokenMs: number | null;
  readonly endedMs: number;
  /** ISO 8601 */
  readonly endedAt: string;
}

export class CallDerivation {
  readonly #context: DerivationContext;
  readonly #identity: CallIdentity;
  /** Of a title request: what it was about. */
  readonly #titleRequest: string | null;
  readonly place: Placement;
  /** As it was put last. */
  #row: CallRow;

  private constructor(
    context: DerivationContext,
    identity: CallIdentity,
    place: Placement,
    row: CallRow,
    titleRequest: string | null,
  ) {
    this.#context = context;
    this.#identity = identity;
    this.#titleRequest = titleRequest;
    this.place = place;
    this.#row = row;
  }

  /** The request is complete, or will not become more so. `head`: where the answer has begun already. */
  static async begin(
    context: DerivationContext,
    facts: CallFacts,
    reading: RequestReading,
    head: ResponseHeadFacts | null,
  ): Promise<CallDerivation> {
    const identity = context.identify(facts.headers, reading.json, facts.path);
    const place = await context.conversations.place(facts.callId, identity, reading);
    const row = { ...firstRow(context.run.id, facts, identity, reading, place), ...headColumns(head) };
    const call = new CallDerivation(
      context,
      identity,
      place,
      row,
      identity.kind === 'title' ? readAbout(reading) : null,
    );
    call.#putPlace();
    context.writer.put('calls', row);
    return call;
  }

  /** A request of the agent's own, for a title. */
  get isBackground(): boolean {
    return this.#identity.kind === 'title';
  }

  /** As it stands. */
  get row(): CallRow {
    return this.#row;
  }

  startResponse(head: ResponseHeadFacts): void {
    this.#put(headColumns(head));
  }

  /** Gives the items of the answer. */
  end({ answer, firstTokenMs, endedMs, endedAt, ...end }: CallEndFacts): Item[] {
    const ending: CallEnding = { httpStatus: this.#row.http_status, answer, ...end };
    const output = (answer?.items ?? []).map(({ json }) => toItem(json));
    this.#put({
      ...answerColumns(ending, answer, this.#row),
      ended_at: endedAt,
      ended_ms: endedMs,
      first_token_ms: firstTokenMs,
    });
    const { thread_id: threadId, id, status, response_id: responseId } = this.#row;
    this.#context.conversations.finish(threadId, id, { status: status as CallStatus, responseId, output });
    this.#putSession(endedAt);
    this.#noteTitle(answer, output);
    return output;
  }

  /** Tapes died while it passed: nobody saw its end, and no later call of the run knew of it. */
  interrupt({ answer, errorBody, firstTokenMs }: Pick<CallEndFacts, 'answer' | 'errorBody' | 'firstTokenMs'>): void {
    const ending: CallEnding = {
      httpStatus: this.#row.http_status,
      answer,
      ended: 'tapesDied',
      failure: null,
      errorBody,
    };
    this.#put({ ...answerColumns(ending, answer, this.#row), first_token_ms: firstTokenMs });
  }

  #put(changes: Partial<CallRow>): void {
    this.#row = { ...this.#row, ...changes };
    this.#context.writer.put('calls', this.#row);
  }

  #putPlace(): void {
    const { writer, titles } = this.#context;
    const { place } = this;
    const identity = this.#identity;
    const started = this.#row.started_at;
    this.#putSession(started);
    writer.put('threads', {
      id: place.threadId,
      session_id: place.sessionId,
      parent_thread_id: identity.parentThreadId,
      agent_name: identity.agentName,
      subagent: identity.subagent,
      started_at: started,
    });
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
    const identity = this.#identity;
    writer.put('sessions', {
      id: this.#row.session_id,
      agent: run.agent ?? 'unknown',
      agent_version: identity.agentVersion,
      originator: identity.originator,
      cwd: identity.cwd ?? (this.isBackground ? null : run.cwd || null),
      kind: this.isBackground ? 'title' : 'user',
      title: null,
      started_at: this.#row.started_at,
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

const readAbout = ({ inputItems }: RequestReading): string => inputItems.map(({ item }) => item.text ?? '').join('\n');

function headColumns(head: ResponseHeadFacts | null): Pick<CallRow, 'http_status' | 'rate_limits'> {
  const limits = head === null ? null : readRateLimits(head.headers);
  return { http_status: head?.status ?? null, rate_limits: limits === null ? null : JSON.stringify(limits) };
}

function firstRow(
  runId: string,
  facts: CallFacts,
  identity: CallIdentity,
  reading: RequestReading,
  place: Placement,
): CallRow {
  return {
    id: facts.callId,
    exchange_id: facts.exchangeId,
    run_id: runId,
    session_id: place.sessionId,
    thread_id: place.threadId,
    turn_id: place.turnId,
    kind: identity.kind,
    attempt: place.attempt,
    retry_key: place.retryKey,
    transport: facts.transport,
    status: 'streaming',
    model: reading.model,
    response_id: null,
    previous_response_id: reading.previousResponseId,
    http_status: null,
    error_code: null,
    error_message: null,
    started_at: facts.startedAt,
    ended_at: null,
    request_ended_ms: facts.requestEndedMs,
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
    tool_outputs: stringifyDeep(place.toolOutputs),
    output: '[]',
  };
}
