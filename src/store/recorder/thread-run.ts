// One run that is recorded in the thread, as the engine's side sees it: what of it waits, what had to be dropped, how it ends.
import type { ConnectionEvent, DataEvent, Pace, WireEvent } from '../../domain/index.ts';
import { noUsage } from '../../domain/index.ts';
import { TapesError } from '../../errors.ts';
import type { Backlog } from './backlog.ts';
import type { PacedRecorder, RecorderReport, RunEnd, RunProcessFacts } from './recorder-types.ts';
import type { DataLost } from './run-recorder.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import { sizeOfEvent } from './thread-messages.ts';

type BytesEvent = Extract<WireEvent, { readonly data: Uint8Array }>;

/** What a run needs of its thread. */
export interface ThreadLink {
  /** False: there is no thread any more. */
  post(message: ToThread, transfer?: readonly ArrayBuffer[]): boolean;
  /** The same for a piece of a body. */
  postData(runId: string, event: DataEvent): boolean;
  /** The process is not to end before the thread has answered. */
  hold(): void;
  /** The thread does not answer. */
  giveUp(): void;
  /** The run is over. */
  forget(): void;
}

/**
 * A thread that says nothing for so long is given up. By itself it gives up after 8 s without a write, and then ends what it is at: 2 s more were not
 * enough for that on a busy machine.
 */
const silentMs = 20_000;
const tooMuchWaiting = 'too much was waiting to be recorded';

export class ThreadRun implements PacedRecorder {
  readonly ready: Promise<TapesError | null>;
  readonly #runId: string;
  readonly #backlog: Backlog;
  readonly #link: ThreadLink;
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
  /** While it closes. */
  #silence: NodeJS.Timeout | null = null;

  /** `backlog` is shared by all runs of the thread. */
  constructor(runId: string, backlog: Backlog, link: ThreadLink) {
    this.#runId = runId;
    this.#backlog = backlog;
    this.#link = link;
    this.ready = new Promise((resolve) => {
      this.#tellReady = resolve;
    });
    this.#closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
  }

  get waitingEvents(): number {
    return this.#waitingEvents;
  }

  get pace(): Pace {
    return this.#backlog;
  }

  push(event: WireEvent | ConnectionEvent): void {
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
      if (event.type !== 'socketMessage') {
        this.#countWaiting(1, size);
        if (this.#link.postData(this.#runId, event)) return;
        this.#countWaiting(-1, -size);
        this.#lostEvents += 1;
        return;
      }
      // A copy of its own: what is handed over is gone from here.
      const data = new Uint8Array(event.data);
      this.#send({ ...event, data }, size, [data.buffer]);
      return;
    }
    // Heads and ends are small and make sense of the rest: they may take twice as much.
    if (this.#backlog.bytes + size > 2 * this.#backlog.limitBytes) {
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
    this.#link.post({ type: 'secrets', values: [...values] });
  }

  describeRun(facts: RunProcessFacts): void {
    this.#link.post({ type: 'describeRun', runId: this.#runId, facts });
  }

  endRun(end: RunEnd): void {
    this.#link.post({ type: 'endRun', runId: this.#runId, end });
  }

  dropWaiting(): void {
    this.#link.post({ type: 'dropWaiting', runId: this.#runId });
  }

  close(): Promise<RecorderReport> {
    this.#report ??= this.#close();
    return this.#report;
  }

  hear(message: FromThread): void {
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
        this.#countWaiting(-message.events, -message.bytes);
        this.#silence?.refresh();
        return;
      case 'closed':
        this.#tellClosed(message.report);
        return;
      default:
        message satisfies never;
    }
  }

  /** The thread is gone. */
  fail(reason: string): void {
    this.#crash ??= reason;
    this.#tellReady(new TapesError('E_DB_UNREADABLE', `the recorder could not be started: ${reason}`));
    this.#tellClosed(null);
  }

  async #close(): Promise<RecorderReport> {
    this.#link.hold();
    const lost = this.#lostEvents === 0 ? null : { events: this.#lostEvents, problem: tooMuchWaiting };
    this.#link.post({ type: 'closeRun', runId: this.#runId, lost });
    const late = new Promise<null>((resolve) => {
      this.#silence = setTimeout(() => resolve(null), silentMs);
    });
    const report = this.#crash === null ? await Promise.race([this.#closed, late]) : null;
    clearTimeout(this.#silence ?? undefined);
    this.#link.forget();
    if (report !== null) return report;
    const failed = this.#failedReport();
    this.#countWaiting(-this.#waitingEvents, -this.#waitingBytes);
    if (this.#crash === null) this.#link.giveUp();
    return failed;
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

  #mustDrop(event: BytesEvent, size: number): boolean {
    // A body with a hole is no body; a WebSocket's messages stand for themselves.
    if (event.type !== 'socketMessage' && this.#lossy.has(event.exchangeId)) return true;
    return this.#backlog.bytes + size > this.#backlog.limitBytes;
  }

  #drop(event: BytesEvent): void {
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

  #send(
    event: WireEvent | ConnectionEvent | DataLost,
    size: number,
    transfer: readonly ArrayBuffer[] = [],
    events = 1,
  ): void {
    this.#countWaiting(events, size);
    if (this.#link.post({ type: 'event', runId: this.#runId, event }, transfer)) return;
    this.#countWaiting(-events, -size);
    this.#lostEvents += events;
  }

  #countWaiting(events: number, bytes: number): void {
    this.#waitingEvents += events;
    this.#waitingBytes += bytes;
    this.#backlog.count(bytes);
  }
}
