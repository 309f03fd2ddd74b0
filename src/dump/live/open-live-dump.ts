// A live dump as the engine sees it: it hands each event to a thread and returns. How much may wait there is bounded; above it, bytes are dropped,
// counted, and told where they were. Nothing that happens to the thread is thrown at the engine.
import type { Worker } from 'node:worker_threads';

import { packData } from '../../domain/index.ts';
import type { ConnectionEvent, DataEvent, Sink, Stamp, TapEvent, WireEvent } from '../../domain/index.ts';
import { startThread } from '../../processes/index.ts';
import type { BodySide } from '../dump-event.ts';
import { sizeOfDumpEvent, type FromDumpThread, type PackedEvents, type ToDumpThread } from './dump-messages.ts';
import type { DumpReport, Gap, LiveDumpOptions, LiveEvent } from './dump-pipeline.ts';

export interface LiveDump extends Sink<DumpReport> {
  /** Takes that a connection has opened, or has ended. Returns at once and never throws. */
  tellConnection(event: ConnectionEvent): void;
  /** Takes what a tap below TLS tells, for the file of ciphertext. Returns at once and never throws. */
  tap(event: TapEvent): void;
  /** Says something of an exchange that has begun, with its answer. Returns at once and never throws. */
  remark(exchangeId: string, text: string): void;
  /** What has gone wrong with files so far, one sentence each. */
  readonly problems: readonly string[];
  /** Masks these values from now on, wherever they turn up. */
  learnSecrets(values: readonly string[]): void;
  /** Settles within about ten seconds and never rejects; all that could be written is in the files then. */
  close(): Promise<DumpReport>;
}

const defaultLimitBytes = 32 * 1024 * 1024;
const closeWithinMs = 10_000;
/** Handed over together: a message for each event would cost more than all that is done with it. */
const batchMs = 100;
const batchBytes = 256 * 1024;
const why = 'too much was waiting to be written';

/** Never throws: what fails is in the report. `limitBytes`: how much may wait. */
export function openLiveDump(options: LiveDumpOptions, limitBytes = defaultLimitBytes): LiveDump {
  return new ThreadDump(options, limitBytes);
}

class ThreadDump implements LiveDump {
  problems: readonly string[] = [];
  readonly #limitBytes: number;
  readonly #paths: readonly string[];
  readonly #closed: Promise<DumpReport | null>;
  #tellClosed: (report: DumpReport | null) => void = () => undefined;
  #worker: Worker | null = null;
  #waitingBytes = 0;
  #batch: LiveEvent[] = [];
  #batchBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #dropped = 0;
  /** Dropped since it was last told. */
  #untoldEvents = 0;
  readonly #gaps = new Map<string, Record<BodySide, number>>();
  readonly #tapGaps = new Map<string, { client: number; server: number }>();
  #crash: string | null = null;
  #report: Promise<DumpReport> | null = null;

  constructor(options: LiveDumpOptions, limitBytes: number) {
    this.#limitBytes = limitBytes;
    const targets = [
      ...options.targets.map(({ target }) => target),
      ...(options.tlsTarget === null ? [] : [options.tlsTarget]),
    ];
    this.#paths = targets.map((target) => (target.type === 'file' ? target.path : '-'));
    this.#closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    try {
      this.#worker = startThread('./dump-thread', import.meta.url, options);
      this.#worker.on('message', (message: FromDumpThread) => {
        if (message.type === 'handled') this.#waitingBytes -= message.bytes;
        else if (message.type === 'problems') this.problems = message.problems;
        else this.#tellClosed(message.report);
      });
      this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
      this.#worker.on('exit', () => this.#fail('its thread ended'));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  push(event: WireEvent): void {
    const size = sizeOfDumpEvent(event);
    if (this.#crash !== null || this.#waitingBytes + size > ('data' in event ? 1 : 2) * this.#limitBytes) {
      this.#drop(event);
      return;
    }
    this.#tellGaps(event);
    this.#send(event, size);
  }

  tellConnection(event: ConnectionEvent): void {
    if (this.#crash === null && this.#waitingBytes <= 2 * this.#limitBytes) this.#send(event, sizeOfDumpEvent(event));
  }

  remark(exchangeId: string, text: string): void {
    if (this.#crash !== null || this.#waitingBytes > 2 * this.#limitBytes) return;
    const mono = performance.now();
    const at = performance.timeOrigin + mono;
    const remark: LiveEvent = { type: 'remark', exchangeId, side: 'response', text, at, mono };
    this.#send(remark, sizeOfDumpEvent(remark));
  }

  tap(event: TapEvent): void {
    const size = sizeOfDumpEvent(event);
    if (this.#crash !== null || this.#waitingBytes + size > ('data' in event ? 1 : 2) * this.#limitBytes) {
      this.#dropped += 1;
      if (event.type === 'tapData') {
        const lost = this.#tapGaps.get(event.tapId) ?? { client: 0, server: 0 };
        lost[event.from] += event.data.length;
        this.#tapGaps.set(event.tapId, lost);
      }
      return;
    }
    if (this.#tapGaps.size > 0 && 'tapId' in event) this.#tellTapGap(event.tapId, event);
    this.#send(event, size);
  }

  #tellTapGap(tapId: string, { at, mono }: Stamp): void {
    const lost = this.#tapGaps.get(tapId);
    if (lost === undefined) return;
    this.#tapGaps.delete(tapId);
    for (const from of ['client', 'server'] as const) {
      if (lost[from] > 0) this.#send({ type: 'tapMissing', tapId, from, bytes: lost[from], at, mono }, 256);
    }
  }

  learnSecrets(values: readonly string[]): void {
    // Not held back with the events: known early is safer than known late.
    this.#post({ type: 'secrets', values: [...values] });
  }

  close(): Promise<DumpReport> {
    this.#report ??= this.#close();
    return this.#report;
  }

  async #close(): Promise<DumpReport> {
    this.#tellLastGaps();
    this.#handOver();
    const worker = this.#worker;
    worker?.ref();
    this.#post({ type: 'close', dropped: this.#dropped });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), closeWithinMs);
    });
    const report = this.#crash === null ? await Promise.race([this.#closed, late]) : null;
    clearTimeout(timer);
    this.#worker = null;
    worker?.unref();
    if (report !== null) return report;
    void worker?.terminate();
    const problem = `the dump did not come to its end${this.#crash === null ? '' : `: ${this.#crash}`}`;
    return { files: this.#paths.map((path) => ({ path, bytes: 0, files: 0, problem })), dropped: this.#dropped };
  }

  #drop(event: WireEvent): void {
    this.#dropped += 1;
    if (!('data' in event) || event.type === 'socketMessage') {
      this.#untoldEvents += 1;
      return;
    }
    const gap = this.#gaps.get(event.exchangeId) ?? { request: 0, response: 0 };
    gap[sideOf(event)] += event.data.length;
    this.#gaps.set(event.exchangeId, gap);
  }

  /** What was dropped is told where it was: before what comes next, of its exchange or of all. */
  #tellGaps(event: WireEvent): void {
    const { at, mono } = event;
    if (this.#untoldEvents > 0) this.#sendGap({ type: 'eventsMissing', events: this.#untoldEvents, why, at, mono });
    this.#untoldEvents = 0;
    if (this.#gaps.size === 0 || !('exchangeId' in event)) return;
    this.#tellGap(event.exchangeId, event);
  }

  #tellGap(exchangeId: string, { at, mono }: Stamp): void {
    const gap = this.#gaps.get(exchangeId);
    if (gap === undefined) return;
    this.#gaps.delete(exchangeId);
    for (const side of ['request', 'response'] as const) {
      if (gap[side] > 0) this.#sendGap({ type: 'bytesMissing', exchangeId, side, bytes: gap[side], why, at, mono });
    }
  }

  /** What was dropped and has nothing behind it. */
  #tellLastGaps(): void {
    const mono = performance.now();
    const now = { at: performance.timeOrigin + mono, mono };
    if (this.#untoldEvents > 0) this.#sendGap({ type: 'eventsMissing', events: this.#untoldEvents, why, ...now });
    this.#untoldEvents = 0;
    for (const exchangeId of this.#gaps.keys()) this.#tellGap(exchangeId, now);
    for (const tapId of this.#tapGaps.keys()) this.#tellTapGap(tapId, now);
  }

  #sendGap(gap: Gap & Stamp): void {
    this.#send(gap, sizeOfDumpEvent(gap));
  }

  #send(event: LiveEvent, size: number): void {
    this.#waitingBytes += size;
    this.#batch.push(event);
    this.#batchBytes += size;
    if (this.#batchBytes >= batchBytes) this.#handOver();
    else this.#timer ??= setTimeout(() => this.#handOver(), batchMs).unref();
  }

  #handOver(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    const size = this.#batchBytes;
    const events = this.#batch;
    if (events.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    // One copy of the bytes, which is handed over without another: others read the engine's own.
    const transfer: ArrayBuffer[] = [];
    const packed = inRuns(events).map((run): LiveEvent | PackedEvents => {
      if (Array.isArray(run)) {
        const data = packData(run);
        transfer.push(data.bytes.buffer);
        return { type: 'packed', data };
      }
      if (!('data' in run)) return run;
      const data = new Uint8Array(run.data);
      transfer.push(data.buffer);
      return { ...run, data };
    });
    if (this.#post({ type: 'events', events: packed }, transfer)) return;
    this.#waitingBytes -= size;
    this.#dropped += events.length;
  }

  #fail(reason: string): void {
    this.#crash ??= reason;
    this.#tellClosed(null);
  }

  #post(message: ToDumpThread, transfer: readonly ArrayBuffer[] = []): boolean {
    try {
      this.#worker?.postMessage(message, [...transfer]);
      return this.#worker !== null;
    } catch {
      return false;
    }
  }
}

/** Pieces of bodies that follow each other are one run. */
function inRuns(events: readonly LiveEvent[]): (Exclude<LiveEvent, DataEvent> | DataEvent[])[] {
  const runs: (Exclude<LiveEvent, DataEvent> | DataEvent[])[] = [];
  for (const event of events) {
    if (event.type !== 'requestData' && event.type !== 'responseData') runs.push(event);
    else {
      const last = runs.at(-1);
      if (Array.isArray(last)) last.push(event);
      else runs.push([event]);
    }
  }
  return runs;
}

const sideOf = ({ type }: Pick<DataEvent, 'type'>): BodySide => (type === 'requestData' ? 'request' : 'response');
