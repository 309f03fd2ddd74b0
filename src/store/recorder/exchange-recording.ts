// One exchange of the run: its row, and the calls in it (one for a POST to a model, one for each response.create on a WebSocket).
import { isCallRequest } from '../../derive/index.ts';
import type { RequestHead, ResponseHead, Stamp, UpstreamLeg, WireEvent, WireFailure } from '../../domain/index.ts';
import { readOutsideJson } from '../../domain/index.ts';
import { readHeadMarks, tellHeadMarks, type HeadMarks } from '../head-marks.ts';
import { tellProviderHeads } from '../provider-heads.ts';
import type { ExchangeOutcome, ExchangeRow, HeaderPartRow } from '../rows.ts';
import { CallRecording } from './call-recording.ts';
import type { CallEnd, CallStart } from './call-recording.ts';
import type { NumberedConnection } from './connections.ts';
import { isoTime, microsecondsOf } from './recording-context.ts';
import type { RecordingContext } from './recording-context.ts';

type ExchangeEvent = Extract<WireEvent, { readonly exchangeId: string }>;

const endings: Readonly<Record<'agent' | 'upstream' | 'tapes', { ended: CallEnd['ended']; outcome: ExchangeOutcome }>> =
  {
    agent: { ended: 'agentHungUp', outcome: 'agent-hung-up' },
    upstream: { ended: 'upstreamFailed', outcome: 'upstream-failed' },
    tapes: { ended: 'tapesDied', outcome: 'tapes-stopped' },
  };

const terminalMessages = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error']);

export class ExchangeRecording {
  readonly #context: RecordingContext;
  readonly #startedAt: Stamp;
  readonly #callStart: Omit<CallStart, 'callId' | 'startedAt'>;
  #row: ExchangeRow;
  #requestBytes = 0;
  #responseBytes = 0;
  #messagesSent = 0;
  #messagesReceived = 0;
  /** What the row names: put with it each time, so that it is there whatever else has been pruned. */
  #headerParts: readonly HeaderPartRow[];
  readonly #connections: NumberedConnection[] = [];
  #response: ResponseHead | null = null;
  #marks: HeadMarks;
  #call: CallRecording | null = null;
  #socketCalls = 0;

  private constructor(
    context: RecordingContext,
    id: string,
    kind: ExchangeRow['kind'],
    request: RequestHead,
    stamp: Stamp,
  ) {
    this.#context = context;
    this.#startedAt = stamp;
    // Masking headers learns what is secret in them, before anything of this exchange is kept.
    const { headers, lengths } = context.vault.maskHeadersWithLengths(request.headers);
    const { path, lengths: pathLengths } = context.vault.maskPathWithLengths(request.path);
    this.#marks = { ...readHeadMarks(null), path: pathLengths, request: lengths, providerRequest: lengths };
    const stored = context.headers.share(headers);
    this.#headerParts = stored.parts;
    this.#callStart = {
      exchangeId: id,
      exchangeStartedAt: stamp,
      transport: kind === 'websocket' ? 'websocket' : 'https',
      path,
      headers,
    };
    const connection = context.connections.use('agent', request.client, null);
    if (connection !== null) this.#connections.push(connection);
    this.#row = {
      id,
      run_id: context.run.id,
      kind,
      method: request.method,
      scheme: request.scheme,
      host: request.host,
      port: request.port,
      path,
      http_version: request.httpVersion,
      request_headers: stored.headers,
      request_list: stored.list,
      request_values: stored.values,
      response_headers: null,
      response_list: null,
      response_values: null,
      status: null,
      reason: null,
      started_at: isoTime(stamp.at),
      request_ended_ms: null,
      response_started_ms: null,
      ended_ms: null,
      request_wire_bytes: 0,
      response_wire_bytes: 0,
      messages_sent: 0,
      messages_received: 0,
      outcome: 'open',
      error_code: null,
      error_message: null,
      started_us: microsecondsOf(stamp.at),
      agent_connection: connection?.number ?? null,
      provider_connection: null,
      provider_heads: null,
      provider_request_ms: null,
      provider_response_ms: null,
      mark_lengths: tellHeadMarks(this.#marks),
    };
    context.tally.countExchange();
  }

  /** The recording of an exchange that this event begins. */
  static begin(
    context: RecordingContext,
    event: Extract<ExchangeEvent, { type: 'requestStarted' | 'upgradeRefused' | 'socketOpened' }>,
  ): ExchangeRecording {
    const kinds = { requestStarted: 'http', upgradeRefused: 'upgrade', socketOpened: 'websocket' } as const;
    const { exchangeId, request } = event;
    const exchange = new ExchangeRecording(context, exchangeId, kinds[event.type], request, event);
    if (event.type === 'upgradeRefused') {
      exchange.#put({ status: event.status, outcome: 'refused', ended_ms: 0 });
    } else if (event.type === 'socketOpened') {
      exchange.#putResponse(event.response, event, event.upstream);
    } else {
      if (isCallRequest(request.method, request.path)) exchange.#call = exchange.#openCall(exchangeId, event);
      exchange.#put({});
    }
    return exchange;
  }

  /** True: the exchange is over. Data, which is most of what comes, is mostly done at once. */
  handle(event: ExchangeEvent): boolean | Promise<boolean> {
    switch (event.type) {
      case 'requestData':
        this.#requestBytes += event.data.length;
        this.#call?.pushRequest(event.data);
        return false;
      case 'responseData':
        this.#responseBytes += event.data.length;
        return this.#call?.pushResponse(event.data, event)?.then(() => false) ?? false;
      default:
        return this.#handleHead(event);
    }
  }

  async #handleHead(event: Exclude<ExchangeEvent, { type: 'requestData' | 'responseData' }>): Promise<boolean> {
    switch (event.type) {
      case 'requestStarted':
      case 'upgradeRefused':
      case 'socketOpened':
        return event.type === 'upgradeRefused';
      case 'requestEnded':
        this.#put({ request_ended_ms: this.#since(event) });
        await this.#call?.settleRequest(event);
        return false;
      case 'responseStarted':
        this.#putResponse(event.response, event, event.upstream);
        return false;
      case 'responseEnded':
        await this.#end('responseEnded', 'ended', null, event);
        return true;
      case 'exchangeAborted':
        this.#noteProvider(event.upstream);
        await this.#end(endings[event.by].ended, endings[event.by].outcome, event.error, event);
        return true;
      case 'socketMessage':
        await this.#handleMessage(event);
        return false;
      case 'socketMissed':
        this.loseBytes(event.from === 'agent' ? 'request' : 'response', event.bytes);
        return false;
      case 'socketClosed':
        // No close frame: the connection was dropped, which is how Codex ends every socket.
        await this.#end(
          event.code === null ? 'agentHungUp' : 'responseEnded',
          event.code === null ? 'agent-hung-up' : 'ended',
          null,
          event,
        );
        return true;
      default:
        return event satisfies never;
    }
  }

  /** These bytes of a body passed and could not be kept. */
  loseBytes(side: 'request' | 'response', bytes: number): void {
    if (side === 'request') this.#requestBytes += bytes;
    else this.#responseBytes += bytes;
    this.#call?.loseBytes(side, bytes);
  }

  async #end(
    ended: CallEnd['ended'],
    outcome: ExchangeOutcome,
    error: WireFailure | null,
    stamp: Stamp,
  ): Promise<void> {
    const { vault } = this.#context;
    const failure = error === null ? null : { code: error.code, message: vault.maskText(error.message) };
    this.#put({
      outcome,
      ended_ms: this.#since(stamp),
      error_code: failure?.code ?? null,
      error_message: failure?.message ?? null,
    });
    await this.#call?.end({ ended, failure }, stamp);
    this.#call = null;
  }

  async #handleMessage(event: Extract<ExchangeEvent, { type: 'socketMessage' }>): Promise<void> {
    const { from, data, isBinary } = event;
    if (from === 'agent') {
      this.#requestBytes += data.length;
      this.#messagesSent += 1;
    } else {
      this.#responseBytes += data.length;
      this.#messagesReceived += 1;
    }
    if (isBinary || !isCallRequest('POST', this.#callStart.path)) return;
    const type = readMessageType(data);
    if (from === 'agent') {
      if (type !== 'response.create') return;
      // The agent goes on without having waited for an end: the answer before is given up.
      await this.#call?.end({ ended: 'agentHungUp', failure: null }, event);
      this.#call = this.#openCall(`${this.#row.id}.${++this.#socketCalls}`, event);
      this.#call.pushRequest(data);
      await this.#call.settleRequest(event);
      this.#put({});
      return;
    }
    await this.#call?.pushMessage(data, event);
    if (type === null || !terminalMessages.has(type)) return;
    await this.#call?.end({ ended: 'responseEnded', failure: null }, event);
    this.#call = null;
    this.#put({});
  }

  #openCall(callId: string, stamp: Stamp): CallRecording {
    const call = new CallRecording(this.#context, {
      ...this.#callStart,
      callId,
      startedAt: { at: stamp.at, mono: stamp.mono },
    });
    if (this.#socketHead !== null) call.startResponse(this.#socketHead.status, this.#socketHead.headers);
    return call;
  }

  #socketHead: ResponseHead | null = null;

  #putResponse(response: ResponseHead, stamp: Stamp, upstream: UpstreamLeg | undefined): void {
    const { headers, lengths } = this.#context.vault.maskHeadersWithLengths(response.headers);
    const reason = this.#context.vault.maskText(response.reason);
    this.#marks = { ...this.#marks, response: lengths, providerResponse: lengths };
    this.#response = { ...response, reason, headers };
    this.#noteProvider(upstream);
    const stored = this.#context.headers.share(headers);
    this.#headerParts = [...this.#headerParts, ...stored.parts];
    this.#put({
      status: response.status,
      reason,
      mark_lengths: tellHeadMarks(this.#marks),
      response_headers: stored.headers,
      response_list: stored.list,
      response_values: stored.values,
      response_started_ms: this.#since(stamp),
    });
    if (this.#row.kind === 'websocket') this.#socketHead = this.#response;
    else this.#call?.startResponse(response.status, headers);
  }

  /** What is known of the provider's side: its connection, and what was other there. */
  #noteProvider(upstream: UpstreamLeg | undefined): void {
    if (upstream === undefined || this.#row.provider_connection !== null) return;
    const { local, remote, requestAt, responseAt } = upstream;
    const { connections, vault } = this.#context;
    const made = upstream.phases == null ? null : { phases: upstream.phases, exchangeId: this.#row.id };
    const connection = connections.use('provider', local, remote, made);
    if (connection !== null) this.#connections.push(connection);
    const asked = upstream.requestHeaders === null ? null : vault.maskHeadersWithLengths(upstream.requestHeaders);
    const answered = upstream.response === null ? null : vault.maskHeadersWithLengths(upstream.response.headers);
    const request = asked?.headers ?? null;
    const response =
      upstream.response === null || answered === null
        ? null
        : { ...upstream.response, reason: vault.maskText(upstream.response.reason), headers: answered.headers };
    this.#marks = {
      ...this.#marks,
      ...(asked === null ? {} : { providerRequest: asked.lengths }),
      ...(answered === null ? {} : { providerResponse: answered.lengths }),
    };
    this.#row = {
      ...this.#row,
      provider_connection: connection?.number ?? null,
      provider_heads: tellProviderHeads(
        { request: this.#callStart.headers, response: this.#response },
        { request, response },
      ),
      mark_lengths: tellHeadMarks(this.#marks),
      provider_request_ms: requestAt == null ? null : this.#since(requestAt),
      provider_response_ms: responseAt == null ? null : this.#since(responseAt),
    };
  }

  #put(changes: Partial<ExchangeRow>): void {
    this.#row = {
      ...this.#row,
      ...changes,
      request_wire_bytes: this.#requestBytes,
      response_wire_bytes: this.#responseBytes,
      messages_sent: this.#messagesSent,
      messages_received: this.#messagesReceived,
    };
    for (const connection of this.#connections) connection.put();
    for (const part of this.#headerParts) this.#context.writer.put('header_parts', part);
    this.#context.writer.put('exchanges', this.#row);
  }

  #since(stamp: Stamp): number {
    return Math.max(0, stamp.mono - this.#startedAt.mono);
  }
}

function readMessageType(data: Uint8Array): string | null {
  const read = readOutsideJson(new TextDecoder().decode(data));
  const json = read.type === 'json' ? read.value : null;
  return typeof json === 'object' && json !== null && 'type' in json && typeof json.type === 'string'
    ? json.type
    : null;
}
