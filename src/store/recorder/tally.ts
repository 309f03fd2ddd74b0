// What a run has recorded, for the one line at its end.
import type { Usage } from '../../domain/index.ts';
import { addUsage, noUsage } from '../../domain/index.ts';

export class Tally {
  readonly #turns = new Set<string>();
  readonly #sessions = new Set<string>();
  #calls = 0;
  #backgroundCalls = 0;
  #exchanges = 0;
  #usage: Usage = noUsage;

  countExchange(): void {
    this.#exchanges++;
  }

  countCall(call: {
    readonly isBackground: boolean;
    readonly sessionId: string;
    readonly threadId: string;
    readonly turnId: string | null;
  }): void {
    if (call.isBackground) {
      this.#backgroundCalls++;
      return;
    }
    this.#calls++;
    // Kept in the order of their newest call.
    this.#sessions.delete(call.sessionId);
    this.#sessions.add(call.sessionId);
    if (call.turnId !== null) this.#turns.add(`${call.threadId}\n${call.turnId}`);
  }

  countUsage(usage: Usage | null): void {
    this.#usage = addUsage(this.#usage, usage);
  }

  get totals(): {
    calls: number;
    turns: number;
    backgroundCalls: number;
    exchanges: number;
    usage: Usage;
    sessionIds: string[];
  } {
    return {
      calls: this.#calls,
      turns: this.#turns.size,
      backgroundCalls: this.#backgroundCalls,
      exchanges: this.#exchanges,
      usage: this.#usage,
      sessionIds: [...this.#sessions],
    };
  }
}
