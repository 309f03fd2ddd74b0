// What the two ends of every exchange have seen, held against each other as soon as it is over; what is kept of it is a few hashes.
import { createHash } from 'node:crypto';

/** How an exchange is meant to end. */
export type Meant =
  /** Whole, at both ends. */
  | 'whole'
  /** The client hangs up while the answer comes. */
  | 'leftByClient'
  /** The provider ends the connection before the answer is over. */
  | 'cutByProvider';

export interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly meant: Meant;
  /** Model calls are on disk with their bodies afterwards. */
  readonly isCall: boolean;
  /** Of the decoded request. */
  readonly decodedRequestSha256: string;
  /** The whole answer, as the provider would send it. */
  readonly answer: () => Uint8Array;
  /** What the client got of it, when it is over. */
  gotBytes: number;
  isOver: boolean;
}

export interface EndsReport {
  readonly exchanges: number;
  readonly bytes: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** What was not as it should be, one sentence each. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const keptProblems = 100;

export class Ledger {
  readonly entries = new Map<string, Entry>();
  readonly #received = new Map<string, string>();
  readonly #byKind = new Map<string, number>();
  readonly #problems: string[] = [];
  #problemCount = 0;
  #bytes = 0;
  #last = 0;

  newId(): string {
    this.#last += 1;
    return `s${this.#last}`;
  }

  begin(entry: Omit<Entry, 'gotBytes' | 'isOver'>): Entry {
    const begun = { ...entry, gotBytes: 0, isOver: false };
    this.entries.set(entry.id, begun);
    return begun;
  }

  /** The provider has got all of a request's body. */
  received(id: string, bodySha256: string): void {
    this.#received.set(id, bodySha256);
  }

  /** The exchange is over at the client. `failure`: how the answer ended early. */
  over(entry: Entry, sent: Uint8Array, got: Uint8Array, failure: string | null): void {
    entry.isOver = true;
    entry.gotBytes = got.length;
    this.count(entry.kind, sent.length + got.length);
    const say = (what: string): void => this.problem(`${entry.kind} ${entry.id}: ${what}`);
    const received = this.#received.get(entry.id);
    this.#received.delete(entry.id);
    if (received !== undefined && received !== sha256(sent)) say('the provider got another request');
    if (entry.meant === 'whole') {
      if (failure !== null) return say(`was to end well and ended with ${failure}`);
      if (received === undefined) say('the provider got no request');
    } else if (entry.meant === 'cutByProvider' && failure === null) say('was cut and looked whole');
    const whole = entry.answer();
    const isSame = Buffer.compare(got, whole.subarray(0, got.length)) === 0 && got.length <= whole.length;
    if (!isSame) say(`the client got other bytes (${got.length} of ${whole.length})`);
    else if (entry.meant === 'whole' && got.length < whole.length) say(`lost ${whole.length - got.length} bytes`);
  }

  /** An exchange that is held against itself: an echo. */
  count(kind: string, bytes: number): void {
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    this.#bytes += bytes;
  }

  problem(sentence: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < keptProblems) this.#problems.push(sentence);
  }

  report(): EndsReport {
    return {
      exchanges: [...this.#byKind.values()].reduce((sum, count) => sum + count, 0),
      bytes: this.#bytes,
      byKind: Object.fromEntries([...this.#byKind].sort()),
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }
}
