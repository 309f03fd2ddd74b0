// From a recording back to the events that it was made of, in the order of their times, for the dumps. Bodies are kept decoded: they are put
// back under their encoding, at the length that they had; where that cannot be, the head is given the length that they have now.
import type { RawHeaders, RequestHead, Stamp, UpstreamLeg } from '../domain/index.ts';
import type { DumpEvent } from '../dump/index.ts';
import type {
  BodyFacts,
  BodySide,
  Library,
  WireCall,
  WireConnection,
  WireExchange,
  WireScope,
} from '../store/index.ts';
import { cutChunks, type TimedPiece } from './cut-chunks.ts';
import { putBackBody } from './put-back-body.ts';

export type WireLibrary = Pick<Library, 'readWire' | 'readWireBody' | 'readWireConnections'>;

/** `onExchange` is told of each exchange before its first event, and of its end. */
export async function* rebuildWire(
  library: WireLibrary,
  scope: WireScope,
  onExchange: (exchange: WireExchange, isOver: boolean) => void,
): AsyncGenerator<DumpEvent> {
  const lanes: Lane[] = [];
  let baseAt: number | null = null;
  for await (const begun of inOrder(library.readWire(scope), library.readWireConnections(scope))) {
    const { beganAt } = begun;
    baseAt ??= beganAt;
    yield* drain(lanes, beganAt);
    const { exchange, connection } = begun;
    if (exchange !== null) onExchange(exchange, false);
    const over = (): void => {
      if (exchange !== null) onExchange(exchange, true);
    };
    const events = exchange === null ? connectionEvents(connection, baseAt) : exchangeEvents(library, exchange, baseAt);
    const first = await events.next();
    if (first.done === true) over();
    else lanes.push({ events, next: first.value, over });
  }
  yield* drain(lanes, Number.POSITIVE_INFINITY);
}

type Begun = { readonly beganAt: number } & (
  | { readonly exchange: WireExchange; readonly connection: null }
  | { readonly exchange: null; readonly connection: WireConnection }
);

/** Both in the order in which they began: of a connection and an exchange that began at once, the connection first. */
async function* inOrder(
  exchanges: AsyncIterable<WireExchange>,
  connections: AsyncIterable<WireConnection>,
): AsyncGenerator<Begun> {
  const waiting = connections[Symbol.asyncIterator]();
  let next = await waiting.next();
  for await (const exchange of exchanges) {
    for (; next.done !== true && next.value.openedAt <= exchange.startedAt; next = await waiting.next()) {
      yield { beganAt: next.value.openedAt, exchange: null, connection: next.value };
    }
    yield { beganAt: exchange.startedAt, exchange, connection: null };
  }
  for (; next.done !== true; next = await waiting.next()) {
    yield { beganAt: next.value.openedAt, exchange: null, connection: next.value };
  }
}

async function* connectionEvents(
  { opened, openedAt, ended, endedAt }: WireConnection,
  baseAt: number,
): AsyncGenerator<DumpEvent> {
  yield { ...opened, at: openedAt, mono: openedAt - baseAt };
  if (ended !== null && endedAt !== null) yield { ...ended, at: endedAt, mono: endedAt - baseAt };
}

interface Lane {
  readonly events: AsyncGenerator<DumpEvent>;
  readonly over: () => void;
  next: DumpEvent;
}

/** The events before `until` of all exchanges that are open; as many are in memory as were open at once. */
async function* drain(lanes: Lane[], until: number): AsyncGenerator<DumpEvent> {
  for (;;) {
    let earliest: Lane | null = null;
    for (const lane of lanes) if (earliest === null || isBefore(lane.next, earliest.next)) earliest = lane;
    if (earliest === null || earliest.next.at >= until) return;
    yield earliest.next;
    const following = await earliest.events.next();
    if (following.done === true) {
      lanes.splice(lanes.indexOf(earliest), 1);
      earliest.over();
    } else earliest.next = following.value;
  }
}

/** What happens on a connection happens before its end. */
function isBefore(a: DumpEvent, b: DumpEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.type !== 'connectionEnded' && b.type === 'connectionEnded');
}

async function* exchangeEvents(
  library: WireLibrary,
  exchange: WireExchange,
  baseAt: number,
): AsyncGenerator<DumpEvent> {
  const clock = openClock(exchange, baseAt);
  switch (exchange.kind) {
    case 'upgrade':
      yield {
        type: 'upgradeRefused',
        exchangeId: exchange.id,
        request: requestHead(exchange),
        status: exchange.response?.status ?? 426,
        ...clock(0),
      };
      return;
    case 'websocket':
      yield* socketEvents(library, exchange, clock);
      return;
    case 'http':
      yield* httpEvents(library, exchange, clock);
      return;
    default:
      exchange.kind satisfies never;
  }
}

type Clock = (ms: number) => Stamp;

/** Never goes back within an exchange: the clocks that were read for it differ by fractions. */
function openClock({ startedAt }: WireExchange, baseAt: number): Clock {
  let latest = 0;
  return (ms) => {
    latest = Math.max(latest, ms);
    return { at: startedAt + latest, mono: startedAt + latest - baseAt };
  };
}

async function* httpEvents(library: WireLibrary, exchange: WireExchange, clock: Clock): AsyncGenerator<DumpEvent> {
  const { id: exchangeId } = exchange;
  const call = exchange.calls[0] ?? null;
  const request = await rebuildBody(library, exchange, call, 'request');
  const head = requestHead(exchange);
  yield {
    type: 'requestStarted',
    exchangeId,
    request: { ...head, headers: withLength(head.headers, request) },
    ...clock(0),
  };
  yield* bodyEvents(exchangeId, 'request', request, () => clock(exchange.requestEndedMs ?? 0));
  if (exchange.requestEndedMs !== null) yield { type: 'requestEnded', exchangeId, ...clock(exchange.requestEndedMs) };

  const endMs = exchange.endedMs ?? call?.endedMs ?? exchange.responseStartedMs ?? exchange.requestEndedMs ?? 0;
  if (exchange.response !== null) {
    const response = await rebuildBody(library, exchange, call, 'response');
    const headers = withLength(exchange.response.headers, response);
    const started = clock(exchange.responseStartedMs ?? endMs);
    const upstream = upstreamOf(exchange, clock);
    yield {
      type: 'responseStarted',
      exchangeId,
      response: { ...exchange.response, headers },
      ...(upstream === null ? {} : { upstream: withBodyLength(upstream, request, response) }),
      ...started,
    };
    yield* bodyEvents(exchangeId, 'response', response, (atMs) => clock(atMs ?? endMs));
  }
  const end = endEvent(exchange, clock, clock(endMs));
  if (end !== null) yield end;
}

interface RebuiltBody {
  readonly pieces: AsyncIterable<TimedPiece> | null;
  /** What was sent, and cannot be given back. */
  readonly missingBytes: number;
  /** Null: as the head says it. */
  readonly newLength: number | null;
  readonly remarks: readonly string[];
}

async function rebuildBody(
  library: WireLibrary,
  exchange: WireExchange,
  call: WireCall | null,
  side: BodySide,
): Promise<RebuiltBody> {
  const wireBytes = side === 'request' ? exchange.requestWireBytes : exchange.responseWireBytes;
  const facts = call?.[side] ?? null;
  const body = call === null ? null : await library.readWireBody(call.id, side);
  const chunks = side === 'request' ? null : (call?.chunkTimes?.chunks ?? null);
  const inChunks = (pieces: AsyncIterable<TimedPiece>): AsyncIterable<TimedPiece> =>
    chunks === null ? pieces : cutChunks(pieces, chunks);
  if (body === null) return { pieces: null, missingBytes: wireBytes, newLength: null, remarks: [] };
  const problems = facts?.problem == null ? [] : [`not the whole, decoded ${side}: ${facts.problem}`];
  if (facts?.contentEncoding == null) {
    const missingBytes = facts?.problem == null ? 0 : Math.max(0, wireBytes - facts.decodedBytes);
    return {
      pieces: inChunks(body),
      missingBytes,
      newLength: null,
      remarks: [...problems, ...timeRemarks(side, facts)],
    };
  }
  const parts: Uint8Array[] = [];
  for await (const { data } of body) parts.push(data);
  const decoded = Buffer.concat(parts);
  const { bytes, how } = await putBackBody(decoded, facts.contentEncoding, facts.wireBytes);
  return {
    pieces: inChunks(onePiece(bytes)),
    missingBytes: 0,
    newLength: bytes.length === facts.wireBytes ? null : bytes.length,
    remarks: [...problems, ...how],
  };
}

const timeRemarks = (side: BodySide, facts: BodyFacts | null): string[] =>
  side === 'response' && facts !== null ? ['the times of its chunks were not kept: written as of its end'] : [];

async function* onePiece(data: Uint8Array): AsyncGenerator<TimedPiece> {
  yield { atMs: null, data };
}

async function* bodyEvents(
  exchangeId: string,
  side: BodySide,
  { pieces, missingBytes, remarks }: RebuiltBody,
  stampOf: (atMs: number | null) => Stamp,
): AsyncGenerator<DumpEvent> {
  const type = side === 'request' ? 'requestData' : 'responseData';
  let told = false;
  if (pieces !== null) {
    for await (const { atMs, data } of pieces) {
      const stamp = stampOf(atMs);
      // Times that were kept need no remark about times that were not.
      const said = atMs === null ? remarks : remarks.filter((text) => !text.startsWith('the times'));
      if (!told) for (const text of said) yield { type: 'remark', exchangeId, side, text, ...stamp };
      told = true;
      if (data.length > 0) yield { type, exchangeId, data, ...stamp };
    }
  }
  if (missingBytes === 0) return;
  const why = pieces === null ? 'only calls keep their bodies' : 'they were not recorded';
  yield { type: 'bytesMissing', exchangeId, side, bytes: missingBytes, why, ...stampOf(null) };
}

async function* socketEvents(library: WireLibrary, exchange: WireExchange, clock: Clock): AsyncGenerator<DumpEvent> {
  const { id: exchangeId, startedAt } = exchange;
  const response = exchange.response ?? { status: 101, reason: 'Switching Protocols', headers: [] };
  const opened = clock(exchange.responseStartedMs ?? 0);
  const upstream = upstreamOf(exchange, clock);
  const more = upstream === null ? {} : { upstream };
  yield { type: 'socketOpened', exchangeId, request: requestHead(exchange), response, ...more, ...opened };
  let messages = 0;
  for (const call of exchange.calls) {
    const since = call.startedAt - startedAt;
    const turn = call.turnId === null ? '' : ` of turn ${call.turnId}`;
    const text = `tapes: call ${call.id}${turn} · tapes show ${call.id}`;
    yield { type: 'remark', exchangeId, side: 'request', text, ...clock(since) };
    for await (const { data } of (await library.readWireBody(call.id, 'request')) ?? onePiece(new Uint8Array(0))) {
      messages += 1;
      yield { type: 'socketMessage', exchangeId, from: 'agent', isBinary: false, data, ...clock(since) };
    }
    const endMs = since + (call.endedMs ?? 0);
    // Each message of the answer is kept as a line.
    let partial: Buffer = Buffer.alloc(0);
    const answer = (await library.readWireBody(call.id, 'response')) ?? onePiece(new Uint8Array(0));
    const { chunkTimes } = call;
    for await (const { atMs, data } of chunkTimes === null ? answer : cutChunks(answer, chunkTimes.chunks)) {
      partial = Buffer.concat([partial, data]);
      const stamp = clock(atMs === null ? endMs : since + atMs);
      for (let end = partial.indexOf(0x0a); end !== -1; end = partial.indexOf(0x0a)) {
        messages += 1;
        const line = partial.subarray(0, end);
        partial = partial.subarray(end + 1);
        yield { type: 'socketMessage', exchangeId, from: 'upstream', isBinary: false, data: line, ...stamp };
      }
    }
  }
  const ended = clock(exchange.endedMs ?? 0);
  if (messages < exchange.messages) {
    const left = `${exchange.messages - messages} other messages are not here`;
    yield { type: 'remark', exchangeId, side: 'request', text: left, ...ended };
  }
  if (exchange.endedMs !== null) {
    // Of a close frame only that there was one is known.
    const code = exchange.outcome === 'ended' ? 1005 : null;
    yield { type: 'socketClosed', exchangeId, code, reason: '', ...ended };
  }
}

/** Null: nothing is known of it. */
function upstreamOf(exchange: WireExchange, clock: Clock): UpstreamLeg | null {
  const { upstream, upstreamPhases, upstreamRequestMs, upstreamResponseMs, startedAt } = exchange;
  if (upstream === null) return null;
  const { at, mono } = clock(0);
  const stampOf = (ms: number | null): Stamp | null =>
    ms === null ? null : { at: startedAt + ms, mono: mono - (at - startedAt) + ms };
  const began = upstreamPhases === null ? null : stampOf(upstreamPhases.beganAt - startedAt);
  const phases = upstreamPhases === null || began === null ? null : { ...upstreamPhases.durations, began };
  return { ...upstream, requestAt: stampOf(upstreamRequestMs), responseAt: stampOf(upstreamResponseMs), phases };
}

function withBodyLength(upstream: UpstreamLeg, request: RebuiltBody, response: RebuiltBody): UpstreamLeg {
  const { requestHeaders, response: head } = upstream;
  return {
    ...upstream,
    requestHeaders: requestHeaders === null ? null : withLength(requestHeaders, request),
    response: head === null ? null : { ...head, headers: withLength(head.headers, response) },
  };
}

/** Of an exchange without an answer that was recorded with its connections. */
function unanswered(exchange: WireExchange, clock: Clock): { upstream?: UpstreamLeg } {
  if (exchange.client === null || exchange.response !== null) return {};
  const nothing = { local: null, remote: null, requestHeaders: null, response: null };
  return { upstream: upstreamOf(exchange, clock) ?? nothing };
}

function endEvent(exchange: WireExchange, clock: Clock, stamp: Stamp): DumpEvent | null {
  const { id: exchangeId, outcome, error } = exchange;
  const more = unanswered(exchange, clock);
  switch (outcome) {
    case 'open':
      return null;
    case 'ended':
      return { type: 'responseEnded', exchangeId, ...stamp };
    case 'agent-hung-up':
      return { type: 'exchangeAborted', exchangeId, by: 'agent', error, ...more, ...stamp };
    case 'upstream-failed':
      return { type: 'exchangeAborted', exchangeId, by: 'upstream', error, ...more, ...stamp };
    default:
      return { type: 'exchangeAborted', exchangeId, by: 'tapes', error, ...more, ...stamp };
  }
}

function requestHead(exchange: WireExchange): RequestHead {
  const { method, scheme, host, port, path, httpVersion, requestHeaders, client } = exchange;
  const known = scheme as RequestHead['scheme'];
  return { method, scheme: known, host, port, path, httpVersion, headers: requestHeaders, client };
}

function withLength(headers: RawHeaders, { newLength }: RebuiltBody): RawHeaders {
  if (newLength === null) return headers;
  return headers.map(([name, value]) => [name, name.toLowerCase() === 'content-length' ? String(newLength) : value]);
}
