// Tells the runs of a standing proxy of the connections that their exchanges pass over: of its opening before the first of them, and of its end.
// One connection may carry exchanges of several runs, and whose they are is known only once they come.
import type { ConnectionEvent, ConnectionStart, Endpoint } from '../domain/index.ts';

interface Known<Run> {
  readonly opened: ConnectionStart;
  readonly runs: Set<Run>;
}

const remembered = 4096;

export class ConnectionRoutes<Run> {
  readonly #tell: (run: Run, event: ConnectionEvent) => void;
  readonly #known = new Map<string, Known<Run>>();

  constructor(tell: (run: Run, event: ConnectionEvent) => void) {
    this.#tell = tell;
  }

  push(event: ConnectionEvent): void {
    const key = keyOf(event.leg, event.client);
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (event.type === 'connectionEnded') {
      for (const run of known?.runs ?? []) this.#tell(run, event);
      return;
    }
    this.#known.set(key, { opened: event, runs: new Set() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest);
  }

  /** An exchange of this run passes over it. */
  use(leg: ConnectionStart['leg'], client: Endpoint | null, run: Run): void {
    const known = client === null ? undefined : this.#known.get(keyOf(leg, client));
    if (known === undefined || known.runs.has(run)) return;
    known.runs.add(run);
    this.#tell(run, known.opened);
  }

  /** This run is over. */
  forget(run: Run): void {
    for (const { runs } of this.#known.values()) runs.delete(run);
  }
}

const keyOf = (leg: string, { address, port }: Endpoint): string => `${leg} ${address} ${port}`;
