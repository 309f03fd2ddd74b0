// What went wrong with a recording: counted while the agent runs, told once at the end.

export class Problems {
  readonly #events = new Map<string, number>();

  /** `events`: how many wire events this cost; 0 where nothing was lost. */
  add(what: string, events: number): void {
    this.#events.set(what, (this.#events.get(what) ?? 0) + events);
  }

  get dropped(): number {
    let sum = 0;
    for (const count of this.#events.values()) sum += count;
    return sum;
  }

  list(): string[] {
    return [...this.#events].map(([what, count]) => (count === 0 ? what : `${what}: ${countedEvents(count)} lost`));
  }
}

const countedEvents = (count: number): string => (count === 1 ? '1 event' : `${count} events`);

/** Why a write failed, in words that a user knows. */
export function sayDatabaseFailure(code: string | null, message: string): string {
  switch (code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return 'the database is locked';
    case 'SQLITE_FULL':
      return 'the disk is full';
    case 'SQLITE_READONLY':
      return 'the database cannot be written';
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return 'the database is corrupt';
    case 'SQLITE_CANTOPEN':
      return 'the database cannot be opened';
    default:
      return `the database failed (${message})`;
  }
}
