// A dump for people and for grep: one event a line, beginning with its time, then headers and bodies below it, indented.
// What a body looks like is body-view.ts's.
import type { RawHeaders, RequestHead, ResponseHead, Stamp } from '../../domain/index.ts';
import {
  noBytes,
  type BodySide,
  type DumpEvent,
  type DumpOrigin,
  type DumpWriter,
  type LabelReader,
} from '../dump-event.ts';
import { urlOf } from '../har/har-exchange.ts';
import { readHeader } from '../http/framing.ts';
import { BodyCollector, BodyRoom } from '../kept-body.ts';
import { BodyView, wholeLines, type ShownBodies } from './body-view.ts';
import { safeLine } from './hex-view.ts';

export interface TextWriterOptions {
  readonly origin: DumpOrigin;
  readonly labelOf: LabelReader;
  readonly bodies: ShownBodies;
}

interface Exchange {
  readonly name: string;
  readonly request: RequestHead;
  readonly bodies: Record<BodySide, Body | null>;
}

interface Body {
  readonly collector: BodyCollector;
  /** JSON is shown when it is complete; everything else as it comes. */
  readonly isJson: boolean;
  readonly view: BodyView;
}

const maxJsonBytes = 16 * 1024 * 1024;
const maxKeptBytes = 64 * 1024 * 1024;

export class TextWriter implements DumpWriter {
  readonly tail = noBytes;
  readonly #options: TextWriterOptions;
  readonly #room = new BodyRoom(maxKeptBytes);
  readonly #exchanges = new Map<string, Exchange>();
  #firstMono: number | null = null;

  constructor(options: TextWriterOptions) {
    this.#options = options;
  }

  start(): Uint8Array {
    const { version, hostname, command, runId, note } = this.#options.origin;
    const run = runId === null ? '' : `, run ${runId}`;
    return Buffer.from(
      `# tapes ${version}: ${safeLine(command)} on ${hostname}${run}\n${note === undefined ? '' : `# ${note}\n`}`,
    );
  }

  async write(event: DumpEvent): Promise<Uint8Array> {
    const lines = await this.#lines(event);
    return lines.length === 0 ? noBytes : Buffer.from(`${lines.join('\n')}\n`);
  }

  finish(): Uint8Array {
    return noBytes;
  }

  async #lines(event: DumpEvent): Promise<string[]> {
    switch (event.type) {
      case 'requestStarted': {
        const { name } = this.#begin(event.exchangeId, event.request);
        return [
          this.#line(event, `${name} > ${this.#sayRequest(event.exchangeId, event.request)}`),
          ...fields(event.request.headers),
        ];
      }
      case 'requestData':
      case 'responseData':
        return this.#data(event);
      case 'requestEnded':
        return this.#ended(event, 'request');
      case 'responseStarted': {
        const exchange = this.#exchanges.get(event.exchangeId);
        if (exchange === undefined) return [];
        return [
          ...(await this.#flush(exchange, 'request')),
          this.#line(event, `${exchange.name} < ${sayStatus(event.response)}`),
          ...fields(event.response.headers),
          ...this.#openAnswer(exchange, event.response),
        ];
      }
      case 'responseEnded':
        return [...(await this.#ended(event, 'response')), ...this.#forget(event.exchangeId)];
      case 'exchangeAborted': {
        const exchange = this.#exchanges.get(event.exchangeId);
        if (exchange === undefined) return [];
        const why = event.error === null ? '' : `: ${event.error.code} ${event.error.message}`;
        return [
          ...(await this.#flush(exchange, 'request')),
          ...(await this.#flush(exchange, 'response')),
          this.#line(event, `${exchange.name} ! aborted by ${event.by}${safeLine(why)}`),
          ...this.#forget(event.exchangeId),
        ];
      }
      case 'upgradeRefused': {
        const { name } = this.#begin(event.exchangeId, event.request);
        this.#exchanges.delete(event.exchangeId);
        return [
          this.#line(event, `${name} > ${this.#sayRequest(event.exchangeId, event.request)}`),
          ...fields(event.request.headers),
          this.#line(
            event,
            `${name} < ${event.status} by tapes: the upgrade is refused, so that the agent falls back to HTTPS`,
          ),
        ];
      }
      case 'socketOpened': {
        const { name } = this.#begin(event.exchangeId, event.request);
        return [
          this.#line(event, `${name} > ${this.#sayRequest(event.exchangeId, event.request)}`),
          ...fields(event.request.headers),
          this.#line(event, `${name} < ${sayStatus(event.response)}`),
          ...fields(event.response.headers),
        ];
      }
      case 'socketMessage': {
        const exchange = this.#exchanges.get(event.exchangeId);
        if (exchange === undefined) return [];
        const sign = event.from === 'agent' ? '>' : '<';
        const kind = event.isBinary ? 'binary' : 'text';
        return [
          this.#line(event, `${exchange.name} ${sign} ${kind} message, ${event.data.length} bytes`),
          ...wholeLines(event.data, !event.isBinary, this.#options.bodies),
        ];
      }
      case 'socketMissed': {
        const exchange = this.#exchanges.get(event.exchangeId);
        const name = exchange?.name ?? short(event.exchangeId);
        return [this.#line(event, `${name} ! ${event.bytes} bytes of messages are missing: ${event.why}`)];
      }
      case 'socketClosed': {
        const exchange = this.#exchanges.get(event.exchangeId);
        if (exchange === undefined) return [];
        const how = event.code === null ? 'dropped' : `closed with ${event.code} ${safeLine(event.reason)}`.trimEnd();
        return [this.#line(event, `${exchange.name} ! ${how}`), ...this.#forget(event.exchangeId)];
      }
      case 'tunnelOpened':
        return [this.#line(event, `${short(event.tunnelId)} = tunnel to ${event.host}:${event.port}, not looked into`)];
      case 'tunnelClosed':
        return [
          this.#line(
            event,
            `${short(event.tunnelId)} = tunnel to ${event.host}:${event.port} closed: ${event.sentBytes} bytes sent, ${event.receivedBytes} received`,
          ),
        ];
      case 'tlsFailed':
        return [this.#line(event, `-------- ! TLS with the agent failed for ${safeLine(event.host)}: ${event.cause}`)];
      case 'bytesMissing': {
        const exchange = this.#exchanges.get(event.exchangeId);
        exchange?.bodies[event.side]?.collector.miss(event.bytes);
        const name = exchange?.name ?? short(event.exchangeId);
        return [this.#line(event, `${name} ! ${event.bytes} bytes of the ${event.side} are missing: ${event.why}`)];
      }
      case 'connectionOpened':
      case 'connectionEnded':
        return [];
      case 'eventsMissing':
        return [this.#line(event, `-------- ! ${event.events} events are missing: ${event.why}`)];
      case 'remark':
        return [this.#line(event, `${short(event.exchangeId)} ! ${safeLine(event.text)}`)];
      default:
        return event satisfies never;
    }
  }

  #begin(exchangeId: string, request: RequestHead): Exchange {
    const exchange: Exchange = {
      name: short(exchangeId),
      request,
      bodies: { request: this.#openBody(request.headers), response: null },
    };
    this.#exchanges.set(exchangeId, exchange);
    return exchange;
  }

  #openAnswer(exchange: Exchange, { headers }: ResponseHead): string[] {
    exchange.bodies.response = this.#openBody(headers);
    return [];
  }

  #openBody(headers: RawHeaders): Body {
    const isJson = /[/+]json\b/i.test(readHeader(headers, 'content-type') ?? '');
    const collector = new BodyCollector(readHeader(headers, 'content-encoding'), this.#room, isJson ? maxJsonBytes : 0);
    return { collector, isJson, view: new BodyView(this.#options.bodies) };
  }

  async #data(event: Extract<DumpEvent, { type: 'requestData' | 'responseData' }>): Promise<string[]> {
    const exchange = this.#exchanges.get(event.exchangeId);
    const side = event.type === 'requestData' ? 'request' : 'response';
    const body = exchange?.bodies[side] ?? null;
    if (exchange === undefined || body === null) return [];
    const decoded = await body.collector.push(event.data);
    const sign = side === 'request' ? '>' : '<';
    return [
      this.#line(event, `${exchange.name} ${sign} ${event.data.length} bytes`),
      ...(body.isJson ? [] : body.view.part(decoded)),
    ];
  }

  async #ended(
    event: Extract<DumpEvent, { type: 'requestEnded' | 'responseEnded' }>,
    side: BodySide,
  ): Promise<string[]> {
    const exchange = this.#exchanges.get(event.exchangeId);
    if (exchange === undefined) return [];
    const shown = await this.#flush(exchange, side);
    return [...shown, this.#line(event, `${exchange.name} ${side === 'request' ? '>' : '<'} end`)];
  }

  /** What has not been shown of a body, because it was not complete. */
  async #flush(exchange: Exchange, side: BodySide): Promise<string[]> {
    const body = exchange.bodies[side];
    if (body === null) return [];
    exchange.bodies[side] = null;
    const { bytes, rest, problems, decodedBytes } = await body.collector.end();
    if (decodedBytes === 0 && problems.length === 0) return [];
    const shown = body.isJson
      ? wholeLines(bytes, true, this.#options.bodies)
      : [...body.view.part(rest), ...body.view.rest()];
    const told = problems.filter((problem) => body.isJson || !problem.startsWith('the first '));
    return [...shown, ...told.map((problem) => `    (${safeLine(problem)})`)];
  }

  #forget(exchangeId: string): string[] {
    this.#exchanges.delete(exchangeId);
    return [];
  }

  #sayRequest(exchangeId: string, request: RequestHead): string {
    const label = this.#options.labelOf(exchangeId, request);
    const turn = label === null || label.turnId === null ? '' : ` turn=${label.turnId}`;
    const whose = label === null ? `exchange=${exchangeId}` : `call=${label.callId}${turn}`;
    return `${safeLine(`${request.method} ${urlOf(request)}`)} HTTP/${request.httpVersion} ${whose}`;
  }

  #line(stamp: Stamp, text: string): string {
    this.#firstMono ??= stamp.mono;
    const sinceMs = stamp.mono - this.#firstMono;
    const sign = sinceMs < 0 ? '-' : '+';
    const seconds = (Math.abs(sinceMs) / 1000).toFixed(6);
    return `${exactTime(stamp.at)} ${sign}${seconds.padStart(11)} ${text}`;
  }
}

/** ISO 8601 with microseconds. */
function exactTime(at: number): string {
  const micros = Math.round((at - Math.floor(at)) * 1000);
  const [ms, rest] = micros === 1000 ? [Math.floor(at) + 1, 0] : [Math.floor(at), micros];
  return new Date(ms).toISOString().replace('Z', `${String(rest).padStart(3, '0')}Z`);
}

const short = (id: string): string => id.slice(0, 8).padEnd(8);
const sayStatus = ({ status, reason }: ResponseHead): string => safeLine(`${status} ${reason}`.trimEnd());
const fields = (headers: RawHeaders): string[] =>
  headers.map(([name, value]) => `    ${safeLine(`${name}: ${value}`)}`);
