// The provider's side of exchanges, for dumps: heads as they passed there, and the ends of the connection. mockttp tells a rule's events to
// whoever is handed to the rule's handling, at once and by reference; its own `rule-event` would come later.
import type { Mockttp } from 'mockttp';
import { UpstreamConnectionAgents } from 'mockttp/dist/util/socket-extensions';

import type { RawHeaders, ResponseHead, Sink, Stamp, UpstreamLeg, WireEvent } from '../domain/index.ts';
import { endsOf, stamp, type Ends } from './connections.ts';

type Told = (type: string, data: unknown) => void;

interface Handling {
  readonly emitEventCallback?: Told;
}

interface Request {
  readonly timingEvents: { readonly startTimestamp: number };
  readonly socket?: object;
}

interface Rule {
  handle(request: Request, response: unknown, options: Handling): Promise<void>;
}

interface Facts {
  readonly connection: object;
  requestHeaders: RawHeaders | null;
  response: ResponseHead | null;
  ends: Ends | null;
  requestAt: Stamp | null;
  responseAt: Stamp | null;
}

/** Exchanges that are open at once; what was never asked for goes when there are more. */
const maxKept = 4096;

/** To be called once the rules are set. Gives a sink in front of `sink` that adds what is known to the events of HTTP exchanges. */
export function addUpstreamFacts(engine: Mockttp, sink: Sink<unknown>): Sink<unknown> {
  // An exchange begins with the very time that its request has in the engine.
  const byStart = new Map<number, Facts>();
  const startOf = new Map<string, number>();
  const { requestRuleSets } = engine as unknown as { requestRuleSets: Readonly<Record<string, readonly Rule[]>> };
  for (const rule of Object.values(requestRuleSets).flat()) {
    const handle = rule.handle.bind(rule);
    rule.handle = (request, response, options) => {
      const connection = request.socket;
      if (connection === undefined) return handle(request, response, options);
      const facts = noFacts(connection);
      byStart.set(request.timingEvents.startTimestamp, facts);
      const [oldest] = byStart.keys();
      if (byStart.size > maxKept && oldest !== undefined) byStart.delete(oldest);
      const emitEventCallback: Told = (type, data) => {
        keep(facts, type, data);
        options.emitEventCallback?.(type, data);
      };
      return handle(request, response, { ...options, emitEventCallback });
    };
  }
  const take = (exchangeId: string): UpstreamLeg | null => {
    const start = startOf.get(exchangeId);
    const facts = start === undefined ? undefined : byStart.get(start);
    if (start === undefined || facts === undefined) return null;
    return legOf(facts, facts.ends ?? findEnds(facts.connection));
  };
  const forget = (exchangeId: string): void => {
    const start = startOf.get(exchangeId);
    startOf.delete(exchangeId);
    if (start !== undefined) byStart.delete(start);
  };
  const add = (event: WireEvent): WireEvent => {
    switch (event.type) {
      case 'requestStarted':
        startOf.set(event.exchangeId, event.mono);
        return event;
      case 'responseStarted': {
        const upstream = take(event.exchangeId);
        return upstream === null ? event : { ...event, upstream };
      }
      case 'exchangeAborted': {
        const upstream = take(event.exchangeId);
        forget(event.exchangeId);
        return upstream === null ? event : { ...event, upstream };
      }
      case 'responseEnded':
        forget(event.exchangeId);
        return event;
      default:
        return event;
    }
  };
  return { push: (event) => sink.push(add(event)), close: () => sink.close() };
}

function keep(facts: Facts, type: string, data: unknown): void {
  if (type === 'passthrough-request-head') {
    facts.requestAt = stamp();
    facts.requestHeaders = pairs((data as { rawHeaders?: unknown }).rawHeaders);
  } else if (type === 'passthrough-response-head') {
    const { statusCode, statusMessage, rawHeaders } = data as {
      readonly statusCode: number;
      readonly statusMessage?: string | null;
      readonly rawHeaders?: unknown;
    };
    const headers = pairs(rawHeaders);
    if (headers !== null) facts.response = { status: statusCode, reason: statusMessage ?? '', headers };
    facts.responseAt = stamp();
    facts.ends = findEnds(facts.connection);
  }
}

/** Header fields as mockttp's events have them. */
function pairs(headers: unknown): RawHeaders | null {
  if (!Array.isArray(headers)) return null;
  return headers.map(([name, value]: [unknown, unknown]) => [String(name), String(value)] as const);
}

/** The upstream connection that belongs to this one of the agent's: one at a time. */
function findEnds(connection: object): Facts['ends'] {
  const agents = (connection as { readonly [UpstreamConnectionAgents]?: ReadonlyMap<string, object> })[
    UpstreamConnectionAgents
  ];
  for (const agent of agents?.values() ?? []) {
    for (const pool of ['sockets', 'freeSockets'] as const) {
      const found = (agent as Readonly<Record<string, unknown>>)[pool];
      if (typeof found !== 'object' || found === null) continue;
      for (const one of (Object.values(found) as unknown[][]).flat().reverse()) {
        const ends = endsOf(one as object);
        if (ends.remote !== null) return ends;
      }
    }
  }
  return null;
}

const noFacts = (connection: object): Facts => ({
  connection,
  requestHeaders: null,
  response: null,
  ends: null,
  requestAt: null,
  responseAt: null,
});

function legOf({ requestHeaders, response, requestAt, responseAt }: Facts, ends: Ends | null): UpstreamLeg {
  return { requestHeaders, response, requestAt, responseAt, ...(ends ?? { local: null, remote: null }) };
}
