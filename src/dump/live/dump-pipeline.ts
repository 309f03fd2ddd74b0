// All that happens to an event on its way into files, in order: masked, put in order, labelled, written. In the thread of its
// own; nothing here is thrown at whoever hands events over.
import { Vault } from '../../redact/index.ts';
import type { ConnectionEvent, WireEvent } from '../../domain/index.ts';
import { noBytes, type DumpEvent, type DumpOrigin, type DumpWriter } from '../dump-event.ts';
import { openDumpWriter, type DumpFormat } from '../dump-format.ts';
import type { ShownBodies } from '../text/body-view.ts';
import { TlsCapture, type CaptureEvent } from '../tls/tls-capture.ts';
import { DumpFile, type DumpTarget, type FileReport } from './dump-file.ts';
import { EventOrder } from './event-order.ts';
import { CallLabels } from './label-calls.ts';
import { EventMasker } from './mask-events.ts';

export interface LiveDumpOptions {
  readonly agent: string | null;
  readonly origin: DumpOrigin;
  readonly maskKey: Uint8Array;
  /** Credentials that are known before the agent starts. */
  readonly secrets: readonly string[];
  /** Nothing is masked. */
  readonly keepSecrets: boolean;
  /** Where ciphertext goes with its keys; null: nowhere. */
  readonly tlsTarget: DumpTarget | null;
  readonly targets: readonly { readonly format: DumpFormat; readonly target: DumpTarget }[];
  readonly bodies: ShownBodies;
  readonly keepZstd: boolean;
}

export type Gap = Extract<DumpEvent, { readonly type: 'bytesMissing' | 'eventsMissing' }>;

/** What is said of an exchange by whoever knows more of it than the wire does. */
export type Remark = Extract<DumpEvent, { readonly type: 'remark' }>;

export type LiveEvent = WireEvent | ConnectionEvent | Gap | Remark | CaptureEvent;

const captureTypes: ReadonlySet<string> = new Set(['tapOpened', 'tapData', 'tapMissing', 'tapClosed', 'tapKeys']);
const isCaptureEvent = (event: LiveEvent): event is CaptureEvent => captureTypes.has(event.type);

export interface DumpReport {
  readonly files: readonly FileReport[];
  /** Events that are in no file, because too much was waiting. */
  readonly dropped: number;
}

interface Output {
  readonly writer: DumpWriter;
  readonly file: DumpFile;
  problem: string | null;
}

/** How long an event waits for others that may be earlier. */
const lagMs = 100;

export class DumpPipeline {
  readonly #vault: Vault;
  readonly #masker: EventMasker | null;
  readonly #order = new EventOrder(lagMs);
  readonly #labels: CallLabels;
  readonly #outputs: readonly Output[];
  readonly #tls: { readonly capture: TlsCapture; readonly file: DumpFile } | null;
  #newest = { mono: 0, seenAt: 0 };

  constructor(options: LiveDumpOptions) {
    const { agent, origin, targets, bodies, keepZstd, keepSecrets } = options;
    this.#vault = new Vault(options.maskKey, { keepsLengths: true });
    this.learnSecrets(options.secrets);
    this.#masker = keepSecrets ? null : new EventMasker(this.#vault);
    this.#labels = new CallLabels(agent);
    const { labelOf } = this.#labels;
    const masked = keepSecrets ? origin : { ...origin, command: this.#vault.maskText(origin.command) };
    this.#outputs = targets.map(({ format, target }) => {
      const writer = openDumpWriter(format, { origin: masked, labelOf, hasProviderLeg: true, bodies, keepZstd });
      const file = new DumpFile(target, writer.tail);
      file.write(writer.start());
      file.flush();
      return { writer, file, problem: null };
    });
    this.#tls = options.tlsTarget === null ? null : openCapture(options.tlsTarget, masked);
  }

  learnSecrets(values: readonly string[]): void {
    for (const value of values) this.#vault.learn(value);
  }

  /** Takes it in; it is written in one of the next passes. At once wherever that can be: a promise for each event would cost more than the work. */
  handle(event: LiveEvent): Promise<void> | undefined {
    if (isCaptureEvent(event)) {
      this.#tls?.file.write(this.#tls.capture.write(event));
      return undefined;
    }
    this.#newest = { mono: Math.max(this.#newest.mono, event.mono), seenAt: performance.now() };
    const masked = this.#masker === null ? [event] : this.#masker.apply(event);
    if (masked instanceof Promise) return masked.then((events) => this.#wait(events));
    this.#wait(masked);
    return undefined;
  }

  #wait(events: readonly DumpEvent[]): void {
    for (const event of events) this.#order.push(event);
  }

  /** To be called behind events, and now and then: writes what has waited long enough, and hands it to the disk. */
  async pass(): Promise<void> {
    const { mono, seenAt } = this.#newest;
    await this.#write(this.#order.pass(mono + performance.now() - seenAt));
    for (const { file } of this.#outputs) file.flush();
    this.#tls?.file.flush();
  }

  /** What has gone wrong with files so far, one sentence each. */
  get problems(): string[] {
    const files = [...this.#outputs.map(({ file }) => file), ...(this.#tls === null ? [] : [this.#tls.file])];
    return files.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  }

  async close(dropped: number): Promise<DumpReport> {
    await this.#write(this.#order.flush());
    const files: FileReport[] = [];
    for (const { writer, file, problem } of this.#outputs) {
      file.write(await Promise.resolve(writer.finish(true)).catch(() => noBytes));
      const report = file.close();
      files.push({ ...report, problem: report.problem ?? problem });
    }
    if (this.#tls !== null) {
      const { capture, file } = this.#tls;
      file.write(capture.finish());
      files.push(file.close());
    }
    return { files, dropped };
  }

  async #write(events: readonly DumpEvent[]): Promise<void> {
    for (const event of events) {
      const remark = this.#labels.remarkOn(event);
      for (const one of remark === null ? [event] : [remark, event]) {
        for (const output of this.#outputs) {
          const writing = this.#writeTo(output, one);
          if (writing !== undefined) await writing;
        }
      }
    }
  }

  /** Gives a promise only where it has to be waited for. */
  #writeTo(output: Output, event: DumpEvent): Promise<void> | undefined {
    try {
      const bytes = output.writer.write(event);
      if (bytes instanceof Promise) {
        return bytes.then((written) => put(output, written)).catch((error: unknown) => fail(output, error));
      }
      return put(output, bytes)?.catch((error: unknown) => fail(output, error));
    } catch (error) {
      fail(output, error);
      return undefined;
    }
  }
}

function openCapture(target: DumpTarget, origin: DumpOrigin): { capture: TlsCapture; file: DumpFile } {
  const capture = new TlsCapture(origin);
  const file = new DumpFile(target, noBytes);
  file.write(capture.start());
  file.flush();
  return { capture, file };
}

function put({ writer, file }: Output, bytes: Uint8Array): Promise<void> | undefined {
  file.write(bytes);
  if (!file.isFull) return undefined;
  return Promise.resolve(writer.finish(false)).then((finish) => file.rotate(finish, writer.start()));
}

/** One event that cannot be written must not cost the others. */
function fail(output: Output, error: unknown): void {
  output.problem ??= `an event could not be written: ${error instanceof Error ? error.message : String(error)}`;
}
