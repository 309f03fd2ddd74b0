// One exchange on its way to being a HAR entry: collects heads, bodies, messages and times, and gives the entry at its end.
import type { RawHeaders, RequestHead, ResponseHead, Stamp, UpstreamLeg } from '../../domain/index.ts';
import { looksLikeSse } from '../../wire/index.ts';
import type { DumpEvent, ExchangeLabel } from '../dump-event.ts';
import type { ExchangeEvent } from '../http/exchange-transcript.ts';
import { readHeader, requestHeadBytes, responseHeadBytes } from '../http/framing.ts';
import { BodyCollector, readText, type BodyRoom, type KeptBody } from '../kept-body.ts';
import { eventMessages } from './event-messages.ts';
import { phasesOf, round } from './phases.ts';
import type { HarEntry, HarPair, HarSocketMessage } from './har-format.ts';

/** Of one body; a HAR is read whole by whoever reads it. */
const maxBodyBytes = 32 * 1024 * 1024;
const maxChunks = 20_000;
/** About what a message costs besides its bytes: of one byte there may be millions. */
const messageCostBytes = 256;

type Opening = Extract<DumpEvent, { type: 'requestStarted' | 'upgradeRefused' | 'socketOpened' }>;

export class HarExchange {
  readonly #id: string;
  readonly #request: RequestHead;
  readonly #label: ExchangeLabel | null;
  readonly #startedAt: Stamp;
  readonly #room: BodyRoom;
  readonly #claim: (upstream: UpstreamLeg) => boolean;
  readonly #requestBody: BodyCollector;
  readonly #isSocket: boolean;
  readonly #messages: HarSocketMessage[] = [];
  readonly #chunks: [number, number][] = [];
  /** When how much of the decoded answer was there: times of its events. */
  readonly #decoded: { readonly at: number; readonly bytes: number }[] = [];
  readonly #remarks: string[] = [];
  #messageBytes = 0;
  #leftOutMessages = 0;
  #response: ResponseHead | null = null;
  #responseBody: BodyCollector | null = null;
  #upstream: UpstreamLeg | null = null;
  #requestEndedMs: number | null = null;
  #responseStartedMs: number | null = null;
  #error: string | null = null;
  #isFirst = false;

  /** `claim`: was the connection to the provider made for this exchange? */
  constructor(event: Opening, label: ExchangeLabel | null, room: BodyRoom, claim: (upstream: UpstreamLeg) => boolean) {
    this.#claim = claim;
    this.#id = event.exchangeId;
    this.#request = event.request;
    this.#label = label;
    this.#startedAt = { at: event.at, mono: event.mono };
    this.#room = room;
    this.#isSocket = event.type !== 'requestStarted';
    this.#requestBody = new BodyCollector(readHeader(event.request.headers, 'content-encoding'), room, maxBodyBytes);
  }

  /** Gives what became of the exchange when it is over. */
  async write(event: ExchangeEvent): Promise<string | null> {
    if ('upstream' in event && event.upstream !== undefined) {
      this.#upstream = event.upstream;
      // An exchange that is broken off behind its answer's head tells it twice.
      this.#isFirst ||= this.#claim(event.upstream);
    }
    switch (event.type) {
      case 'requestStarted':
        return null;
      case 'requestData':
        await this.#requestBody.push(event.data);
        return null;
      case 'requestEnded':
        this.#requestEndedMs ??= this.#since(event);
        return null;
      case 'responseStarted':
        this.#answer(event.response, event);
        return null;
      case 'responseData':
        if (this.#chunks.length < maxChunks) this.#chunks.push([round(this.#since(event)), event.data.length]);
        this.#keepTime(event, (await this.#responseBody?.push(event.data))?.length ?? 0);
        return null;
      case 'responseEnded':
        return 'ended';
      case 'exchangeAborted': {
        const who = { agent: 'the agent hung up', upstream: 'the provider failed', tapes: 'tapes ended it' }[event.by];
        this.#error = event.error === null ? who : `${who}: ${event.error.code} ${event.error.message}`;
        return who;
      }
      case 'upgradeRefused': {
        const reason = event.status === 426 ? 'Upgrade Required' : 'Refused';
        this.#answer({ status: event.status, reason, headers: [] }, event);
        this.#remarks.push('tapes refused the upgrade, so that the agent falls back to HTTPS');
        return 'refused';
      }
      case 'socketOpened':
        this.#answer(event.response, event);
        return null;
      case 'socketMessage':
        this.#keepMessage(event);
        return null;
      case 'socketClosed':
        return event.code === null ? 'the connection was dropped' : `closed with ${event.code} ${event.reason}`.trim();
      case 'bytesMissing':
        this.#remarks.push(`${event.bytes} bytes of the ${event.side} are missing: ${event.why}`);
        (event.side === 'request' ? this.#requestBody : this.#responseBody)?.miss(event.bytes);
        return null;
      case 'socketMissed':
        this.#remarks.push(`${event.bytes} bytes of messages are missing: ${event.why}`);
        return null;
      case 'remark':
        this.#remarks.push(event.text);
        return null;
      default:
        return event satisfies never;
    }
  }

  async end(stamp: Stamp, outcome: string): Promise<HarEntry> {
    const request = await this.#requestBody.end();
    const response = (await this.#responseBody?.end()) ?? null;
    this.#room.giveBack(this.#messageBytes);
    const { leadMs, time, timings } = phasesOf(
      {
        startedAt: this.#startedAt,
        requestEndedMs: this.#requestEndedMs,
        responseStartedMs: this.#responseStartedMs,
        endedMs: this.#since(stamp),
      },
      this.#upstream,
      this.#isFirst,
    );
    const { callId, turnId } = this.#label ?? { callId: null, turnId: null };
    const remote = this.#upstream?.remote ?? null;
    const { client, port } = this.#request;
    const responseEntry = this.#responseEntry(response);
    const events =
      response !== null && /^text\/event-stream\b/i.test(responseEntry.content.mimeType)
        ? eventMessages(response.bytes, this.#decoded, stamp.at)
        : [];
    const remarks = [
      ...this.#remarks,
      ...(this.#leftOutMessages > 0
        ? [`${this.#leftOutMessages} later messages are left out: there are too many`]
        : []),
    ];
    return {
      startedDateTime: new Date(this.#startedAt.at - leadMs).toISOString(),
      time,
      request: this.#requestEntry(request),
      response: responseEntry,
      cache: {},
      timings,
      ...(remote === null ? {} : { serverIPAddress: remote.address.replace(/^::ffff:/, '') }),
      // Browsers show this as the server's port, and tell connections apart by the other.
      connection: String(remote?.port ?? port),
      ...(client === null ? {} : { _connectionId: String(client.port) }),
      ...(remarks.length === 0 ? {} : { comment: [...new Set(remarks)].join('; ') }),
      _resourceType: this.#isSocket ? 'websocket' : 'fetch',
      ...(this.#isSocket && this.#response?.status === 101 ? { _webSocketMessages: this.#messages } : {}),
      ...(events.length === 0 ? {} : { _eventSourceMessages: events }),
      _tapes: {
        exchangeId: this.#id,
        ...(callId === null ? {} : { callId }),
        ...(turnId === null ? {} : { turnId }),
        outcome,
        ...(leadMs === 0 ? {} : { requestMs: round(leadMs) }),
        ...(this.#chunks.length === 0
          ? {}
          : { chunks: this.#chunks.map(([ms, bytes]) => [round(ms + leadMs), bytes]) }),
      },
    };
  }

  #answer(response: ResponseHead, stamp: Stamp): void {
    this.#response = response;
    this.#responseStartedMs = this.#since(stamp);
    this.#responseBody = new BodyCollector(readHeader(response.headers, 'content-encoding'), this.#room, maxBodyBytes);
  }

  #keepTime({ at }: Stamp, bytes: number): void {
    if (bytes > 0 && this.#decoded.length < maxChunks) this.#decoded.push({ at, bytes });
  }

  #keepMessage({ from, isBinary, data, at }: Extract<DumpEvent, { type: 'socketMessage' }>): void {
    const cost = data.length + messageCostBytes;
    const taken = this.#room.take(cost);
    if (taken < cost || this.#leftOutMessages > 0) {
      this.#room.giveBack(taken);
      this.#leftOutMessages += 1;
      return;
    }
    this.#messageBytes += taken;
    const buffer = Buffer.from(data);
    this.#messages.push({
      type: from === 'agent' ? 'send' : 'receive',
      time: at / 1000,
      opcode: isBinary ? 2 : 1,
      data: buffer.toString(isBinary ? 'base64' : 'utf8'),
    });
  }

  #requestEntry(body: KeptBody): HarEntry['request'] {
    const { method, headers, path } = this.#request;
    const text = readText(body.bytes);
    const comments = [...body.problems, ...(text === null ? ['base64'] : [])];
    const query = path.includes('?') ? path.slice(path.indexOf('?') + 1) : '';
    return {
      method,
      url: urlOf(this.#request),
      httpVersion: `HTTP/${this.#request.httpVersion}`,
      cookies: cookiesOf(headers, 'cookie'),
      headers: pairs(headers),
      queryString: [...new URLSearchParams(query)].map(([name, value]) => ({ name, value })),
      ...(body.wireBytes === 0
        ? {}
        : {
            postData: {
              mimeType: readHeader(headers, 'content-type') ?? '',
              text: text ?? body.bytes.toString('base64'),
              ...(comments.length === 0 ? {} : { comment: comments.join('; ') }),
            },
          }),
      headersSize: requestHeadBytes(this.#request).length,
      bodySize: body.wireBytes,
    };
  }

  #responseEntry(body: KeptBody | null): HarEntry['response'] {
    const response = this.#response;
    const headers = response?.headers ?? [];
    const stated = readHeader(headers, 'content-type');
    const isUnstatedSse = stated === null && body !== null && body.bytes.length > 0 && looksLikeSse(body.bytes);
    const text = body === null ? '' : readText(body.bytes);
    const comments = [
      ...(body?.problems ?? []),
      ...(isUnstatedSse ? ['the answer had no content-type; it is an event stream'] : []),
    ];
    const bodySize = body?.wireBytes ?? 0;
    const size = body?.decodedBytes ?? 0;
    const headersSize = response === null ? -1 : responseHeadBytes(this.#request, response).length;
    return {
      status: response?.status ?? 0,
      statusText: response?.reason ?? '',
      httpVersion: `HTTP/${this.#request.httpVersion}`,
      cookies: cookiesOf(headers, 'set-cookie'),
      headers: pairs(headers),
      content: {
        size,
        ...(size > bodySize ? { compression: size - bodySize } : {}),
        mimeType: stated ?? (isUnstatedSse ? 'text/event-stream' : ''),
        ...(bodySize === 0
          ? {}
          : text === null
            ? { text: body!.bytes.toString('base64'), encoding: 'base64' }
            : { text }),
        ...(comments.length === 0 ? {} : { comment: comments.join('; ') }),
      },
      redirectURL: readHeader(headers, 'location') ?? '',
      headersSize,
      bodySize,
      _transferSize: Math.max(0, headersSize) + bodySize,
      ...(this.#error === null ? {} : { _error: this.#error }),
    };
  }

  #since(stamp: Stamp): number {
    return Math.max(0, stamp.mono - this.#startedAt.mono);
  }
}

export function urlOf({ scheme, host, port, path }: RequestHead): string {
  const usualPort = scheme === 'http' || scheme === 'ws' ? 80 : 443;
  const name = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${name}${port === usualPort ? '' : `:${port}`}${path}`;
}

const pairs = (headers: RawHeaders): HarPair[] => headers.map(([name, value]) => ({ name, value }));

function cookiesOf(headers: RawHeaders, field: 'cookie' | 'set-cookie'): HarPair[] {
  return headers
    .filter(([name]) => name.toLowerCase() === field)
    .flatMap(([, value]) => (field === 'cookie' ? value.split(';') : value.split(';').slice(0, 1)))
    .map((pair) => {
      const equals = pair.indexOf('=');
      return { name: pair.slice(0, Math.max(0, equals)).trim(), value: pair.slice(equals + 1).trim() };
    });
}
