// The recorder as the engine sees it: it hands each event to the recorder's thread and returns. How much may wait there is bounded;
// above it, the data of whole exchanges is dropped and counted. Nothing that happens to the thread is ever thrown at the engine.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import type { WireEvent } from '../../domain/index.ts';
import { noUsage } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import type { DataLost } from './run-recorder.ts';
import type { Recorder, RecorderOptions, RecorderReport, RunEnd } from './recorder-types.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import { sizeOfEvent } from './thread-messages.ts';

type DataEvent = Extract<WireEvent, { readonly data: Uint8Array }>;

const defaultQueueLimitBytes = 64 * 1024 * 1024;
const closeWithinMs = 10_000;
const tooMuchWaiting = 'too much was waiting to be recorded';

/** Starts recording a run, in a thread of its own. Never throws: what fails is in `ready` and in the report of `close`. */
export function openRecorder(options: RecorderOptions): Recorder {
  return new ThreadRecorder(options);
}

class ThreadRecorder implements Recorder {
  readonly ready: Promise<TapesError | null>;
  readonly #limitBytes: number;
  #worker: Worker | null = null;
  #waitingBytes = 0;
  #waitingEvents = 0;
  #lostEvents = 0;
  /** Exchanges whose data is dropped, and how much of it has not been told to the thread yet. */
  readonly #lossy = new Map<string, { request: number; response: number }>();
  #crash: string | null = null;
  #tellReady: (error: TapesError | null) => void = () => {};
  #tellClosed: (report: RecorderReport | null) => void = () => {};
  readonly #closed: Promise<RecorderReport | null>;
  #report: Promise<RecorderReport> | null = null;

  constructor(options: RecorderOptions) {
    this.#limitBytes = options.queueLimitBytes ?? defaultQueueLimitBytes;
    this.ready = new Promise((resolve) => {
      this.#tellReady = resolve;
    });
    this.#closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    try {
      this.#worker = startThread(options);
      this.#worker.on('message', (message: FromThread) => this.#hear(message));
      this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
      this.#worker.on('exit', () => this.#fail('its thread ended'));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  push(event: WireEvent): void {
    if (this.#crash !== null) {
      this.#lostEvents++;
      return;
    }
    const size = sizeOfEvent(event);
    if ('data' in event) {
      if (this.#mustDrop(event, size)) {
        this.#drop(event);
        return;
      }
      // A copy of its own: the engine's bytes may be part of a pool, and a copy can be handed over without another.
      const data = new Uint8Array(event.data);
      this.#send({ ...event, data }, size, [data.buffer]);
      return;
    }
    // Heads and ends are small and make sense of the rest: they may take twice as much.
    if (this.#waitingBytes + size > 2 * this.#limitBytes) {
      this.#lostEvents++;
      return;
    }
    if ('exchangeId' in event) this.#tellLost(event.exchangeId);
    this.#send(event, size);
    if (event.type === 'responseEnded' || event.type === 'exchangeAborted' || event.type === 'socketClosed') {
      this.#lossy.delete(event.exchangeId);
    }
  }

  learnSecrets(values: readonly string[]): void {
    this.#post({ type: 'secrets', values: [...values] });
  }

  endRun(end: RunEnd): void {
    this.#post({ type: 'endRun', end });
  }

  close(): Promise<RecorderReport> {
    this.#report ??= this.#close();
    return this.#report;
  }

  async #close(): Promise<RecorderReport> {
    this.#worker?.ref();
    const lost = this.#lostEvents === 0 ? null : { events: this.#lostEvents, problem: tooMuchWaiting };
    this.#post({ type: 'close', lost });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), closeWithinMs);
    });
    const report = this.#crash === null ? await Promise.race([this.#closed, late]) : null;
    clearTimeout(timer);
    const worker = this.#worker;
    this.#worker = null;
    worker?.unref();
    if (report !== null) return report;
    void worker?.terminate();
    return this.#failedReport();
  }

  #hear(message: FromThread): void {
    switch (message.type) {
      case 'ready': {
        const { error } = message;
        this.#tellReady(
          error === null
            ? null
            : new TapesError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint }),
        );
        return;
      }
      case 'handled':
        this.#waitingEvents -= message.events;
        this.#waitingBytes -= message.bytes;
        return;
      case 'closed':
        this.#tellClosed(message.report);
        return;
      default:
        message satisfies never;
    }
  }

  #fail(reason: string): void {
    this.#crash ??= reason;
    this.#tellReady(new TapesError('E_DB_UNREADABLE', `the recorder could not be started: ${reason}`));
    this.#tellClosed(null);
  }

  #failedReport(): RecorderReport {
    const dropped = this.#lostEvents + this.#waitingEvents;
    const what = this.#crash === null ? 'the recorder did not come to an end' : `the recorder crashed (${this.#crash})`;
    return {
      calls: 0,
      turns: 0,
      backgroundCalls: 0,
      sessions: [],
      usage: noUsage,
      exchanges: 0,
      dropped,
      problems: [dropped === 0 ? what : `${what}: ${dropped} events lost`],
    };
  }

  #mustDrop(event: DataEvent, size: number): boolean {
    // A body with a hole is no body; a WebSocket's messages stand for themselves.
    if (event.type !== 'socketMessage' && this.#lossy.has(event.exchangeId)) return true;
    return this.#waitingBytes + size > this.#limitBytes;
  }

  #drop(event: DataEvent): void {
    this.#lostEvents++;
    const lost = this.#lossy.get(event.exchangeId) ?? { request: 0, response: 0 };
    const isRequest = event.type === 'requestData' || (event.type === 'socketMessage' && event.from === 'agent');
    lost[isRequest ? 'request' : 'response'] += event.data.length;
    this.#lossy.set(event.exchangeId, lost);
  }

  #tellLost(exchangeId: string): void {
    const lost = this.#lossy.get(exchangeId);
    if (lost === undefined) return;
    for (const side of ['request', 'response'] as const) {
      if (lost[side] === 0) continue;
      const event: DataLost = { type: 'dataLost', exchangeId, side, bytes: lost[side] };
      this.#send(event, sizeOfEvent(event), [], 0);
      lost[side] = 0;
    }
  }

  #send(event: WireEvent | DataLost, size: number, transfer: readonly ArrayBuffer[] = [], events = 1): void {
    this.#waitingBytes += size;
    this.#waitingEvents += events;
    if (this.#post({ type: 'event', event }, transfer)) return;
    this.#waitingBytes -= size;
    this.#waitingEvents -= events;
    this.#lostEvents += events;
  }

  #post(message: ToThread, transfer: readonly ArrayBuffer[] = []): boolean {
    try {
      this.#worker?.postMessage(message, [...transfer]);
      return this.#worker !== null;
    } catch {
      return false;
    }
  }
}

function startThread(options: RecorderOptions): Worker {
  const { code, isSource } = threadCode();
  const worker = new Worker(code, {
    workerData: options,
    eval: isSource,
    execArgv: [],
    // Nothing that the thread might print may reach the agent's terminal.
    stdout: true,
    stderr: true,
  });
  worker.stdout.resume();
  worker.stderr.resume();
  worker.unref();
  return worker;
}

/** A build has plain JavaScript. From sources (tests, development) tsx must be registered first: Node 20 ignores --import in a worker. */
function threadCode(): { code: URL | string; isSource: boolean } {
  if (!import.meta.url.endsWith('.ts')) {
    return { code: new URL('./recorder-thread.js', import.meta.url), isSource: false };
  }
  // require.resolve finds the CommonJS twin of the module that is meant.
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const file = new URL('./recorder-thread.ts', import.meta.url).href;
  return { code: `import('${loader}').then((tsx) => { tsx.register(); return import('${file}'); })`, isSource: true };
}
