// The connections of a run, by their ends: a row each once an exchange passes over it. An exchange and the end of a connection may be told in either
// order, so that what has ended is remembered until another takes its ends.
import type { ConnectionEvent, ConnectionPhases, Endpoint } from '../../domain/index.ts';
import type { ConnectionRow } from '../rows.ts';
import type { Writer } from './writer.ts';

/** Of those that have ended, or whose end nobody tells. */
const remembered = 4096;

interface Known {
  readonly leg: ConnectionRow['leg'];
  readonly client: Endpoint;
  server: Endpoint | null;
  openedAt: string | null;
  phases: ConnectionPhases | null;
  madeFor: string | null;
  ended: Pick<ConnectionRow, 'ended_at' | 'ended_by' | 'is_reset'>;
  /** Null: no exchange has passed over it. */
  number: number | null;
}

/** A connection that an exchange names: to be put wherever that is, whatever else has been pruned. */
export interface NumberedConnection {
  readonly number: number;
  readonly put: () => void;
}

export class Connections {
  readonly #runId: string;
  readonly #writer: Pick<Writer, 'put'>;
  /** Those told of last at the end. */
  readonly #known = new Map<string, Known>();
  #numbers = 0;

  constructor(runId: string, writer: Pick<Writer, 'put'>) {
    this.#runId = runId;
    this.#writer = writer;
  }

  tell(event: ConnectionEvent): void {
    const { leg, client, server } = event;
    if (event.type === 'connectionOpened') {
      const used = this.#known.get(keyOf(leg, client));
      // An exchange may name it before it is told of.
      if (used !== undefined && used.openedAt === null && used.ended === open) {
        used.openedAt = microTime(event.at);
        used.server ??= server;
        return;
      }
      this.#keep(keyOf(leg, client), {
        leg,
        client,
        server,
        openedAt: microTime(event.at),
        phases: null,
        madeFor: null,
        ended: open,
        number: null,
      });
      return;
    }
    const known = this.#known.get(keyOf(leg, client));
    if (known === undefined || known.ended !== open) return;
    known.ended = { ended_at: microTime(event.at), ended_by: event.by, is_reset: event.isReset ? 1 : 0 };
    if (known.number !== null) this.#put(known, known.number);
  }

  /** The one that an exchange passes over; null where its ends were not seen. */
  use(
    leg: ConnectionRow['leg'],
    client: Endpoint | null,
    server: Endpoint | null,
    made: { readonly phases: ConnectionPhases; readonly exchangeId: string } | null = null,
  ): NumberedConnection | null {
    if (client === null) return null;
    const key = keyOf(leg, client);
    const known = this.#known.get(key) ?? {
      leg,
      client,
      server,
      openedAt: null,
      phases: null,
      madeFor: null,
      ended: open,
      number: null,
    };
    known.server ??= server;
    known.phases ??= made?.phases ?? null;
    known.madeFor ??= made?.exchangeId ?? null;
    const number = (known.number ??= ++this.#numbers);
    this.#keep(key, known);
    return { number, put: () => this.#put(known, number) };
  }

  #keep(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest);
  }

  #put({ leg, client, server, openedAt, phases, madeFor, ended }: Known, number: number): void {
    this.#writer.put('connections', {
      run_id: this.#runId,
      number,
      leg,
      client_address: client.address,
      client_port: client.port,
      server_address: server?.address ?? null,
      server_port: server?.port ?? null,
      opened_at: openedAt,
      ...ended,
      began_at: phases === null ? null : microTime(phases.began.at),
      dns_ms: phases?.dnsMs ?? null,
      connect_ms: phases?.connectMs ?? null,
      tls_ms: phases?.sslMs ?? null,
      made_for: madeFor,
    });
  }
}

const open: Known['ended'] = { ended_at: null, ended_by: null, is_reset: 0 };

const keyOf = (leg: string, { address, port }: Endpoint): string => `${leg} ${address} ${port}`;

/** `at`: ms since the epoch, with fraction. */
function microTime(at: number): string {
  const whole = Math.floor(at);
  const fraction = Math.min(999, Math.floor((at - whole) * 1000));
  return new Date(whole).toISOString().replace('Z', `${String(fraction).padStart(3, '0')}Z`);
}
