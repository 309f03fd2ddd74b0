// What a standing proxy has recorded, summed up by session, for the lines at its end. It may run for weeks: only the newest sessions are kept
// apart.
import { addUsage } from '../domain/index.ts';
import type { RecorderReport } from '../store/index.ts';

const keptSessions = 200;
const keptProblems = 20;

export class SessionReports {
  readonly #sessions = new Map<string, RecorderReport>();
  /** How many events were lost by each; null where that is not what it says. */
  readonly #problems = new Map<string, number | null>();
  #others = 0;
  #dropped = 0;
  #exchanges = 0;

  /** Of one run, at its end. */
  add(report: RecorderReport): void {
    this.#dropped += report.dropped;
    this.#exchanges += report.exchanges;
    for (const problem of report.problems) this.#addProblem(problem);
    const id = report.sessions.at(-1)?.id;
    if (id === undefined) return;
    const before = this.#sessions.get(id);
    this.#sessions.delete(id);
    this.#sessions.set(id, before === undefined ? report : sum(before, report));
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size <= keptSessions || oldest === undefined) return;
    this.#sessions.delete(oldest);
    this.#others += 1;
  }

  /** Those with calls, the most recently ended last. */
  get sessions(): readonly RecorderReport[] {
    return [...this.#sessions.values()];
  }

  /** How many sessions there were before these. */
  get earlierSessions(): number {
    return this.#others;
  }

  /** One sentence each, as of a run; what runs have in common is summed up. */
  get problems(): readonly string[] {
    return [...this.#problems].map(([what, lost]) =>
      lost === null ? what : `${what}: ${lost} ${lost === 1 ? 'event' : 'events'} lost`,
    );
  }

  #addProblem(problem: string): void {
    const [, what = problem, lost = null] = /^(.*): (\d+) events? lost$/s.exec(problem) ?? [];
    if (this.#problems.size >= keptProblems && !this.#problems.has(what)) return;
    this.#problems.set(what, lost === null ? null : Number(lost) + (this.#problems.get(what) ?? 0));
  }

  get dropped(): number {
    return this.#dropped;
  }

  get exchanges(): number {
    return this.#exchanges;
  }
}

/** A session that came back: turns that went on are counted in both. */
function sum(a: RecorderReport, b: RecorderReport): RecorderReport {
  return {
    calls: a.calls + b.calls,
    turns: a.turns + b.turns,
    backgroundCalls: a.backgroundCalls + b.backgroundCalls,
    sessions: b.sessions,
    usage: addUsage(a.usage, b.usage),
    exchanges: a.exchanges + b.exchanges,
    dropped: a.dropped + b.dropped,
    problems: [],
  };
}
