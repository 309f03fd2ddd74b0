// A dump for Wireshark: decrypted HTTP/1.1 in TCP conversations that never were, with what was said and when it was said as it was.
// Two interfaces: the agent's side, and the provider's.
import type { ConnectionEnd, ConnectionStart, Endpoint, RequestHead, UpstreamLeg } from '../../domain/index.ts';
import { noBytes, type DumpEvent, type DumpOrigin, type DumpWriter, type LabelReader } from '../dump-event.ts';
import type { ExchangeEvent } from '../http/exchange-transcript.ts';
import { isHttp1 } from '../http/framing.ts';
import { BlockPile } from './block-pile.ts';
import { interfaceDescription, interfaceStatistics, nameResolution, sectionHeader, type PacketTime } from './blocks.ts';
import { Leg, type Ending } from './leg.ts';
import { loopbackOf, Places } from './places.ts';
import { PacketClock } from './packet-clock.ts';
import { readAddress, type Side } from './segment.ts';

export interface PcapngWriterOptions {
  readonly origin: DumpOrigin;
  readonly labelOf: LabelReader;
  /** False where only the agent's side was kept, as in a database. */
  readonly hasProviderLeg: boolean;
}

/** An exchange whose provider's side is not known yet: what is to be written there waits, up to a limit. */
interface Upstream {
  readonly request: RequestHead;
  waiting: ExchangeEvent[];
  waitingBytes: number;
  /** Null: still waiting. */
  state: 'known' | 'absent' | null;
  /** What the provider answered, where it is known to differ from what the agent got. */
  response: UpstreamLeg['response'];
}

interface HeldEnd {
  readonly client: Side;
  readonly server: Side;
  readonly ending: Ending;
  readonly waitsFor: Set<string>;
}

const maxWaitingBytes = 1024 * 1024;
const startsExchange = new Set<DumpEvent['type']>(['requestStarted', 'upgradeRefused', 'socketOpened']);
const endsExchange = new Set<DumpEvent['type']>(['responseEnded', 'exchangeAborted', 'upgradeRefused', 'socketClosed']);

export class PcapngWriter implements DumpWriter {
  readonly tail = noBytes;
  readonly #options: PcapngWriterOptions;
  readonly #places = new Places();
  readonly #blocks = new BlockPile();
  readonly #agentLeg: Leg;
  readonly #providerLeg: Leg | null;
  /** Ends of the provider's connections, each with the exchanges that may yet turn out to have been on it. */
  readonly #heldEnds = new Map<string, HeldEnd>();
  readonly #upstreams = new Map<string, Upstream>();
  #missingEvents = 0;
  #untold: string[] = [];
  #last: PacketTime = { high: 0, low: 0 };
  readonly #clock = new PacketClock();

  constructor(options: PcapngWriterOptions) {
    this.#options = options;
    this.#agentLeg = new Leg('agent', this.#places, this.#blocks);
    this.#providerLeg = options.hasProviderLeg ? new Leg('provider', this.#places, this.#blocks) : null;
  }

  start(): Uint8Array {
    const { hostname, version, os, hardware, command, runId, note } = this.#options.origin;
    const { hosts } = this.#places;
    const run = runId === null ? '' : `, run ${runId}`;
    return Buffer.concat([
      sectionHeader({
        hardware,
        os,
        application: `tapes ${version}`,
        comment: `${command} on ${hostname}${run}. Decrypted: TLS is taken off, TCP is made up, servers are on port 80${note === undefined ? '' : `. ${note}`}`,
      }),
      interfaceDescription({ name: 'agent', description: 'between the agent and tapes' }),
      ...(this.#providerLeg === null
        ? []
        : [interfaceDescription({ name: 'provider', description: 'between tapes and the provider' })]),
      ...(hosts.length === 0 ? [] : [nameResolution(hosts)]),
    ]);
  }

  write(event: DumpEvent): Uint8Array {
    this.#last = this.#clock.time(event);
    if (event.type === 'eventsMissing') {
      this.#missingEvents += event.events;
      this.#untold.push(`${event.events} events are missing before this packet: ${event.why}`);
      return noBytes;
    }
    if (event.type === 'connectionOpened') this.#openConnection(event);
    else if (event.type === 'connectionEnded') this.#endConnection(event);
    else if ('exchangeId' in event) this.#writeExchange(event);
    return this.#blocks.take();
  }

  finish(): Uint8Array {
    const comment = 'the file ends here, not the connection';
    this.#agentLeg.finish(this.#last, comment);
    this.#providerLeg?.finish(this.#last, comment);
    // What is missing behind the last packet.
    const untold = this.#untold.splice(0).map((text) => text.replace('before this packet', 'at the end'));
    const { packets } = this.#blocks;
    const missing = BigInt(this.#missingEvents);
    this.#blocks.put(interfaceStatistics(0, this.#last, BigInt(packets[0]), missing, untold));
    if (this.#providerLeg !== null) this.#blocks.put(interfaceStatistics(1, this.#last, BigInt(packets[1]), 0n));
    packets.fill(0);
    this.#missingEvents = 0;
    return this.#blocks.take();
  }

  #writeExchange(event: ExchangeEvent): void {
    // An answer passes the provider's side first.
    const isAnswer =
      event.type === 'responseData' ||
      event.type === 'responseStarted' ||
      event.type === 'responseEnded' ||
      (event.type === 'socketMessage' && event.from === 'upstream');
    if (isAnswer) this.#writeProviderSide(event);
    this.#writeAgentSide(event);
    if (!isAnswer) this.#writeProviderSide(event);
  }

  #writeAgentSide(event: ExchangeEvent): void {
    if (startsExchange.has(event.type) && 'request' in event) {
      const { request, exchangeId } = event;
      const { client } = request;
      const seen = client === null ? null : readAddress(client.address);
      const server = this.#places.server(seen === null ? this.#hostAddress(request, null) : loopbackOf(seen));
      const comments = this.#commentsFor(exchangeId, request);
      this.#agentLeg.begin(
        {
          exchangeId,
          request,
          client: seen === null ? null : client,
          server,
          openingComments: [`the agent's connection to ${request.host}:${request.port}, through tapes`],
          requestComments: comments.request,
          responseComments: comments.response,
        },
        this.#last,
      );
    }
    if (this.#untold.length > 0) this.#tellUntold(event);
    this.#agentLeg.write(event, this.#last);
  }

  #tellUntold(event: ExchangeEvent): void {
    for (const text of this.#untold.splice(0)) {
      const { exchangeId, at, mono } = event;
      const side = event.type.startsWith('response') ? 'response' : 'request';
      this.#agentLeg.write({ type: 'remark', exchangeId, side, text, at, mono }, this.#last);
    }
  }

  #writeProviderSide(event: ExchangeEvent): void {
    if (this.#providerLeg === null || event.type === 'upgradeRefused') return;
    const { exchangeId } = event;
    if ((event.type === 'requestStarted' || event.type === 'socketOpened') && !this.#upstreams.has(exchangeId)) {
      const { request } = event;
      this.#upstreams.set(exchangeId, { request, waiting: [], waitingBytes: 0, state: null, response: null });
    }
    const upstream = this.#upstreams.get(exchangeId);
    if (upstream === undefined) return;
    if (endsExchange.has(event.type)) this.#upstreams.delete(exchangeId);
    this.#writeUpstream(event, upstream);
    if (upstream.state !== null && this.#heldEnds.size > 0) this.#releaseEnds(exchangeId);
  }

  #writeUpstream(event: ExchangeEvent, upstream: Upstream): void {
    const { exchangeId } = event;
    if (this.#providerLeg === null || upstream.state === 'absent') return;
    if (upstream.state === 'known') {
      this.#providerLeg.write(asSeenThere(event, upstream), this.#last);
      return;
    }
    upstream.waiting.push(event);
    upstream.waitingBytes += 'data' in event ? event.data.length : 0;
    const facts = 'upstream' in event ? (event.upstream ?? null) : null;
    const mustGoOn = event.type === 'responseStarted' || upstream.waitingBytes > maxWaitingBytes;
    if (facts !== null || mustGoOn || endsExchange.has(event.type))
      this.#settleUpstream(exchangeId, upstream, facts, event);
  }

  #settleUpstream(exchangeId: string, upstream: Upstream, facts: UpstreamLeg | null, event: ExchangeEvent): void {
    // Known, and there was no connection: nothing was ever said there.
    const wasReached = !(event.type === 'exchangeAborted' && facts !== null && facts.remote === null);
    upstream.state = wasReached ? 'known' : 'absent';
    upstream.response = facts?.response ?? null;
    const waiting = upstream.waiting.splice(0);
    const [first] = waiting;
    if (!wasReached || first === undefined || this.#providerLeg === null) return;
    const request = { ...upstream.request, headers: facts?.requestHeaders ?? upstream.request.headers };
    const remote = facts?.remote ?? null;
    const seen = remote === null ? null : readAddress(remote.address);
    const server = this.#places.server(this.#hostAddress(request, seen));
    const local = matching(facts?.local ?? null, server.address.length);
    const comments = this.#commentsFor(exchangeId, request);
    const port = remote === null ? request.port : remote.port;
    // The leg lets nothing be earlier than what came before it: so the whole request has passed there no earlier than its head.
    const begunAt = facts?.requestAt ?? first;
    this.#providerLeg.begin(
      {
        exchangeId,
        request,
        client: local,
        server,
        openingComments: [
          `the connection of tapes to ${request.host}:${port}${seen === null ? '; its address was not seen' : ''}`,
        ],
        requestComments: comments.request,
        responseComments: comments.response,
      },
      this.#clock.time(begunAt),
    );
    for (const held of waiting) {
      const isAnswer = held.type === 'responseStarted' || held.type === 'socketOpened';
      const at = isAnswer ? (facts?.responseAt ?? held) : held;
      this.#providerLeg.write(asSeenThere(held, upstream), this.#clock.time(at));
    }
    this.#last = this.#clock.time(event);
  }

  #openConnection(event: ConnectionStart): void {
    const { leg, host, port } = event;
    const sides = this.#sidesOf(event);
    const to = leg === 'agent' ? this.#agentLeg : this.#providerLeg;
    if (sides === null || to === null) return;
    const whose =
      leg === 'agent'
        ? `the agent's connection to ${host}:${port}, through tapes`
        : `the connection of tapes to ${host}:${port}`;
    to.open(sides.client, sides.server, [whose], this.#last);
  }

  #endConnection(event: ConnectionEnd): void {
    const { leg, client, by, isReset } = event;
    const sides = this.#sidesOf(event);
    if (sides === null) return;
    const ending: Ending = { by, isReset, at: this.#last };
    if (leg === 'agent') this.#agentLeg.end(sides.client, sides.server, ending);
    else {
      const waitsFor = [...this.#upstreams].flatMap(([id, { state }]) => (state === null ? [id] : []));
      const held = { ...sides, ending, waitsFor: new Set(waitsFor) };
      if (waitsFor.length === 0) this.#endUpstream(held);
      else this.#heldEnds.set(`${client.address}:${client.port}`, held);
    }
  }

  /** It is known now whether this exchange was on one of the connections that have ended. */
  #releaseEnds(exchangeId: string): void {
    for (const [key, held] of this.#heldEnds) {
      if (!held.waitsFor.delete(exchangeId) || held.waitsFor.size > 0) continue;
      this.#heldEnds.delete(key);
      this.#endUpstream(held);
    }
  }

  #endUpstream({ client, server, ending }: HeldEnd): void {
    this.#providerLeg?.end(client, server, ending);
  }

  /** Null where an address cannot be read. */
  #sidesOf({
    leg,
    client,
    server,
    ...event
  }: ConnectionStart | ConnectionEnd): { readonly client: Side; readonly server: Side } | null {
    const from = readAddress(client.address);
    const to = server === null ? null : readAddress(server.address);
    if (from === null) return null;
    if (leg === 'agent') return { client: this.#places.client(client), server: this.#places.server(loopbackOf(from)) };
    if (to === null || to.length !== from.length) return null;
    if (event.type === 'connectionOpened') this.#hostAddress(event, to);
    return { client: this.#places.client(client), server: this.#places.server(to) };
  }

  #hostAddress(request: Pick<RequestHead, 'host'>, seen: Uint8Array | null): Uint8Array {
    const { address, isNew } = this.#places.host(request.host, seen);
    if (isNew) this.#blocks.put(nameResolution([{ address, name: request.host }]));
    return address;
  }

  #commentsFor(exchangeId: string, request: RequestHead): { request: string[]; response: string[] } {
    const label = this.#options.labelOf(exchangeId, request);
    const turn = label === null || label.turnId === null ? '' : ` of turn ${label.turnId}`;
    const whose =
      label === null
        ? `tapes: exchange ${exchangeId}`
        : `tapes: call ${label.callId}${turn} · tapes show ${label.callId}`;
    const version = isHttp1(request) ? [] : [`HTTP/${request.httpVersion}, written as HTTP/1.1`];
    return { request: [whose, ...version], response: [whose] };
  }
}

/** The event as it was on the provider's side. */
function asSeenThere(event: ExchangeEvent, { response }: Upstream): ExchangeEvent {
  if (event.type === 'responseStarted' || event.type === 'socketOpened') {
    return { ...event, response: response ?? event.response };
  }
  return event;
}

/** An end that is of the other's kind of address: IPv4 and IPv6 do not talk to each other. */
function matching(endpoint: Endpoint | null, addressBytes: number): Endpoint | null {
  const address = endpoint === null ? null : readAddress(endpoint.address);
  return address?.length === addressBytes ? endpoint : null;
}
