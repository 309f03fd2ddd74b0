// A dump for browsers' developer tools: HAR 1.2, an entry for each exchange when it is over. The file is whole JSON after every entry: its
// tail is written again behind each.
import type { UpstreamLeg } from '../../domain/index.ts';
import { noBytes, type DumpEvent, type DumpOrigin, type DumpWriter, type LabelReader } from '../dump-event.ts';
import { BodyRoom } from '../kept-body.ts';
import { HarExchange } from './har-exchange.ts';
import { harTail } from './har-format.ts';

export interface HarWriterOptions {
  readonly origin: DumpOrigin;
  readonly labelOf: LabelReader;
}

/** All bodies that are on their way together. */
const maxKeptBytes = 128 * 1024 * 1024;
/** Connections that are remembered as told. */
const maxClaimed = 65_536;

export class HarWriter implements DumpWriter {
  readonly tail = Buffer.from(harTail);
  readonly #options: HarWriterOptions;
  readonly #room = new BodyRoom(maxKeptBytes);
  readonly #open = new Map<string, HarExchange>();
  readonly #claimed = new Set<string>();
  #entries = 0;
  #missing: string[] = [];
  #last = { at: 0, mono: 0 };

  constructor(options: HarWriterOptions) {
    this.#options = options;
  }

  start(): Uint8Array {
    this.#entries = 0;
    const { version, hostname, command, runId, note } = this.#options.origin;
    const run = runId === null ? '' : `, run ${runId}`;
    const comment = `${command} on ${hostname}${run}${note === undefined ? '' : `. ${note}`}`;
    const creator = { name: 'tapes', version };
    return Buffer.from(
      `{"log":{"version":"1.2","creator":${JSON.stringify(creator)},"comment":${JSON.stringify(comment)},"pages":[],"entries":[`,
    );
  }

  async write(event: DumpEvent): Promise<Uint8Array> {
    this.#last = { at: event.at, mono: event.mono };
    if (event.type === 'eventsMissing') {
      this.#missing.push(`${event.events} events are missing before this entry: ${event.why}`);
      return noBytes;
    }
    if (!('exchangeId' in event)) return noBytes;
    if (event.type === 'requestStarted' || event.type === 'upgradeRefused' || event.type === 'socketOpened') {
      const label = this.#options.labelOf(event.exchangeId, event.request);
      this.#open.set(event.exchangeId, new HarExchange(event, label, this.#room, (upstream) => this.#claim(upstream)));
    }
    const exchange = this.#open.get(event.exchangeId);
    const outcome = (await exchange?.write(event)) ?? null;
    if (exchange === undefined || outcome === null) return noBytes;
    this.#open.delete(event.exchangeId);
    return this.#entry(exchange, outcome);
  }

  /** What is open goes on in the next file, if there is one. */
  async finish(isLast: boolean): Promise<Uint8Array> {
    if (!isLast) return noBytes;
    const entries: Uint8Array[] = [];
    for (const exchange of this.#open.values())
      entries.push(await this.#entry(exchange, 'still open when the dump ended'));
    this.#open.clear();
    return Buffer.concat(entries);
  }

  /** Of the exchanges over a connection, the one of which an answer is told first has its phases. */
  #claim({ phases, local }: UpstreamLeg): boolean {
    if (phases == null) return false;
    const key = `${local?.address} ${local?.port} ${phases.began.mono}`;
    if (this.#claimed.has(key)) return false;
    this.#claimed.add(key);
    const [oldest] = this.#claimed;
    if (this.#claimed.size > maxClaimed && oldest !== undefined) this.#claimed.delete(oldest);
    return true;
  }

  async #entry(exchange: HarExchange, outcome: string): Promise<Uint8Array> {
    const entry = await exchange.end(this.#last, outcome);
    const missing = this.#missing.splice(0);
    const comments = [...missing, ...(entry.comment === undefined ? [] : [entry.comment])];
    const told = missing.length === 0 ? entry : { ...entry, comment: comments.join('; ') };
    return Buffer.from(`${this.#entries++ === 0 ? '\n' : ',\n'}${JSON.stringify(told)}`);
  }
}
