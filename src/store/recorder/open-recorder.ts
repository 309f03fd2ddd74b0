// The recorder as the engine sees it: it hands each event to the recorder's thread and returns. How much may wait there is bounded;
// above it, the data of whole exchanges is dropped and counted. Nothing that happens to the thread is ever thrown at the engine.
import type { Worker } from 'node:worker_threads';

import { packData, type DataEvent, type Pace } from '../../domain/index.ts';
import { startThread } from '../../processes/index.ts';
import { Backlog } from './backlog.ts';
import type { PacedRecorder, RecorderOptions, RecorderThread, RunStart, ThreadOptions } from './recorder-types.ts';
import { ThreadRun } from './thread-run.ts';
import type { FromThread, ThreadData, ToThread, Waiting } from './thread-messages.ts';

const defaultQueueLimitBytes = 64 * 1024 * 1024;
/** While data goes on, it goes to the thread this often: what is on disk is at most so much older. */
const paceMs = 10;
/** And sooner where there is so much of it. */
const packBytes = 256 * 1024;

/** Starts recording one run, in a thread of its own. Never throws: what fails is in `ready` and in the report of `close`. */
export function openRecorder(options: RecorderOptions): PacedRecorder {
  const thread = new Thread(options);
  const run = thread.openRun(options.run);
  const close = run.close.bind(run);
  run.close = async () => {
    try {
      return await close();
    } finally {
      thread.leave();
    }
  };
  return run;
}

/** Starts a thread that records several runs. Never throws. */
export function openRecorderThread(options: ThreadOptions): RecorderThread {
  return new Thread(options);
}

class Thread implements RecorderThread {
  readonly #runs = new Map<string, ThreadRun>();
  /** What waits to be handled, of all runs. */
  readonly #backlog: Backlog;
  #worker: Worker | null = null;
  #failure: string | null = null;
  #outbox: Waiting[] = [];
  #transfer: ArrayBuffer[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #sentAt = 0;

  constructor({ queueLimitBytes = defaultQueueLimitBytes, dbFile, maskKey, secrets }: ThreadOptions) {
    this.#backlog = new Backlog(queueLimitBytes);
    try {
      this.#worker = startThread('./recorder-thread', import.meta.url, {
        dbFile,
        maskKey,
        secrets,
      } satisfies ThreadData);
      this.#worker.on('message', (message: FromThread) => this.#hear(message));
      this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
      this.#worker.on('exit', () => this.#fail('its thread ended'));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  get pace(): Pace {
    return this.#backlog;
  }

  get failure(): string | null {
    return this.#failure;
  }

  openRun(start: RunStart): ThreadRun {
    const run = new ThreadRun(start.id, this.#backlog, {
      post: (message, transfer) => this.#post(message, transfer),
      postData: (runId, event) => this.#postData(runId, event),
      // A process that has nothing else to do waits for the end of a run, and not for a run.
      hold: () => this.#worker?.ref(),
      giveUp: () => this.#giveUp(),
      forget: () => {
        this.#runs.delete(start.id);
        if (this.#runs.size === 0) this.#worker?.unref();
      },
    });
    this.#runs.set(start.id, run);
    this.#post({ type: 'openRun', run: start });
    if (this.#failure !== null) run.fail(this.#failure);
    return run;
  }

  learnSecrets(values: readonly string[]): void {
    this.#post({ type: 'secrets', values: [...values] });
  }

  leave(): void {
    this.#post({ type: 'leave' });
    this.#flush();
    const worker = this.#worker;
    this.#worker = null;
    worker?.unref();
  }

  /** It did not come to an end in time. */
  #giveUp(): void {
    const worker = this.#worker;
    this.#fail('its thread was given up');
    void worker?.terminate();
  }

  #hear(message: FromThread): void {
    this.#runs.get(message.runId)?.hear(message);
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#worker = null;
    this.#backlog.giveUp();
    for (const run of this.#runs.values()) run.fail(this.#failure);
  }

  #post(message: ToThread, transfer: readonly ArrayBuffer[] = []): boolean {
    if (this.#worker === null) return false;
    this.#outbox.push(message);
    this.#transfer.push(...transfer);
    this.#flushAfterTurn();
    return true;
  }

  #postData(runId: string, event: DataEvent): boolean {
    if (this.#worker === null) return false;
    const last = this.#outbox.at(-1);
    if (last?.type === 'unpacked' && last.runId === runId) last.events.push(event);
    else this.#outbox.push({ type: 'unpacked', runId, events: [event] });
    this.#waitingBytes += event.data.length;
    // Waking a thread up takes longer than a chunk does, and beside much traffic it is woken often enough.
    const dueInMs = this.#sentAt + paceMs - performance.now();
    if (dueInMs <= 0 || this.#waitingBytes > packBytes) this.#flushAfterTurn();
    else this.#timer ??= setTimeout(() => this.#flush(), dueInMs).unref();
    return true;
  }

  /** Once this turn of the event loop has passed on its traffic. */
  #flushAfterTurn(): void {
    this.#immediate ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#outbox;
    const transfer = this.#transfer;
    this.#outbox = [];
    this.#transfer = [];
    this.#waitingBytes = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
    this.#sentAt = performance.now();
    if (waiting.length === 0) return;
    const messages = waiting.map((message): ToThread => {
      if (message.type !== 'unpacked') return message;
      const packed = packData(message.events);
      transfer.push(packed.bytes.buffer);
      return { type: 'data', runId: message.runId, packed };
    });
    try {
      this.#worker?.postMessage(messages, transfer);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }
}
