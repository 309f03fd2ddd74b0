// Is everything that was recorded still what it was? Rebuilds every body and checks every hash. Nothing is written, and nothing stops at
// the first thing that does not fit: what is damaged is listed.
import { createHash } from 'node:crypto';

import { TapesError } from '../errors.ts';
import { openBodyReader } from './body-reader.ts';
import { unpackBody } from './compression.ts';
import { unpackChunkTimes } from './chunk-times.ts';
import type { Connection } from './connection.ts';
import { nodeHash, sha256 } from './request-items.ts';
import type { BodyRow, HeaderPartRow, ItemRow, NodeRow } from './rows.ts';
import { headerColumns, readHeaders } from './header-parts.ts';
import type { HeadersOfExchange } from './header-parts.ts';

export interface VerifyProblem {
  readonly what: 'database' | 'item' | 'node' | 'body' | 'headers';
  /** The hash of an item, a node or a part of headers; of a body, its call and side; of headers, their exchange; of the database, the table. */
  readonly id: string;
  readonly message: string;
}

export interface VerifyReport {
  readonly bodies: number;
  /** Of all bodies, rebuilt. */
  readonly bodyBytes: number;
  readonly items: number;
  readonly nodes: number;
  /** Exchanges whose headers were put together. */
  readonly exchanges: number;
  /** Request bodies that are not kept in parts. */
  readonly wholeRequests: number;
  /** All of them; `problems` holds the first thousand. */
  readonly problemCount: number;
  readonly problems: readonly VerifyProblem[];
}

export interface VerifyProgress {
  readonly what: 'items' | 'nodes' | 'bodies' | 'exchanges';
  readonly done: number;
  readonly all: number;
}

const pageRows = 100;
const listedProblems = 1000;
// Bodies of one conversation follow each other, and share most of their items.
const rememberBytes = 64 * 1024 * 1024;

export function verifyRecordings(
  connection: Connection,
  tell: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  return connection.snapshot(async () => {
    const check = new Verification(connection, tell);
    await check.database();
    await check.items();
    await check.nodes();
    await check.bodies();
    await check.headerParts();
    await check.headers();
    await check.connections();
    return check.report();
  });
}

class Verification {
  readonly #connection: Connection;
  readonly #tell: (progress: VerifyProgress) => void;
  readonly #problems: VerifyProblem[] = [];
  readonly #counts = { bodies: 0, bodyBytes: 0, items: 0, nodes: 0, exchanges: 0, wholeRequests: 0, problemCount: 0 };

  constructor(connection: Connection, tell: (progress: VerifyProgress) => void) {
    this.#connection = connection;
    this.#tell = tell;
  }

  report(): VerifyReport {
    return { ...this.#counts, problems: this.#problems };
  }

  async database(): Promise<void> {
    await this.#guard('integrity', async () => {
      const rows = await this.#connection.all<{ integrity_check: string }>('PRAGMA integrity_check(100)');
      for (const { integrity_check: message } of rows)
        if (message !== 'ok') this.#add('database', 'integrity', message);
    });
    await this.#guard('references', async () => {
      const rows = await this.#connection.all<{ table: string; rowid: number | null; parent: string }>(
        'PRAGMA foreign_key_check',
      );
      for (const { table, parent } of rows) {
        this.#add('database', table, `a row names one of ${parent} that is not there (mend it with: tapes rederive)`);
      }
    });
  }

  async items(): Promise<void> {
    type Checked = Omit<ItemRow, 'hash'> & { hash: Buffer };
    await this.#guard('items', async () => {
      for await (const rows of this.#pages<Checked>('items', 'hash'))
        for (const item of rows) {
          this.#counts.items += 1;
          const bytes = await unpackBody(item).catch(() => null);
          const id = item.hash.toString('hex');
          if (bytes === null) this.#add('item', id, 'it cannot be unpacked');
          else if (!sha256(bytes).equals(item.hash)) this.#add('item', id, 'its bytes have another hash');
          else if (bytes.length !== item.bytes) this.#add('item', id, 'its size is not the one that was stored');
        }
    });
  }

  async nodes(): Promise<void> {
    type Checked = NodeRow & { hash: Buffer; has_item: number; has_parent: number };
    const sql = `nodes.*, EXISTS (SELECT 1 FROM items WHERE items.hash = nodes.item) AS has_item,
      parent IS NULL OR EXISTS (SELECT 1 FROM nodes AS before WHERE before.hash = nodes.parent) AS has_parent`;
    await this.#guard('nodes', async () => {
      for await (const rows of this.#pages<Checked>('nodes', 'hash', sql))
        for (const row of rows) {
          this.#counts.nodes += 1;
          const id = row.hash.toString('hex');
          if (!nodeHash(row.parent, row.item).equals(row.hash)) this.#add('node', id, 'it has another hash');
          if (row.has_item === 0) this.#add('node', id, `its item ${Buffer.from(row.item).toString('hex')} is missing`);
          if (row.has_parent === 0) this.#add('node', id, 'its parent is missing');
        }
    });
  }

  async bodies(): Promise<void> {
    const reader = openBodyReader(this.#connection, rememberBytes);
    type Checked = Omit<BodyRow, 'data'> & { rowid: number };
    const columns = `rowid, call_id, side, decoded_bytes, decoded_sha256, stored_bytes, stored_sha256, masked, problem, storage, chunk_times`;
    await this.#guard('bodies', async () => {
      for await (const rows of this.#pages<Checked>('bodies', 'rowid', columns))
        for (const row of rows) {
          this.#counts.bodies += 1;
          if (row.side === 'request' && row.storage !== 'template') this.#counts.wholeRequests += 1;
          const message = await this.#checkBody(reader, row);
          if (message !== null) this.#add('body', `${row.call_id} ${row.side}`, message);
          else if (row.chunk_times != null && unpackChunkTimes(row.chunk_times) === null)
            this.#add('body', `${row.call_id} ${row.side}`, 'the times of its chunks cannot be read');
        }
    });
  }

  async headerParts(): Promise<void> {
    await this.#guard('header_parts', async () => {
      for await (const rows of this.#pages<HeaderPartRow>('header_parts', 'hash'))
        for (const { hash, headers } of rows)
          if (!sha256(Buffer.from(headers)).equals(hash)) {
            this.#add('headers', Buffer.from(hash).toString('hex'), 'this part has another hash');
          }
    });
  }

  async headers(): Promise<void> {
    await this.#guard('exchanges', async () => {
      const columns = `rowid, id, ${headerColumns}`;
      for await (const rows of this.#pages<HeadersOfExchange>('exchanges', 'rowid', columns))
        for (const row of rows) {
          this.#counts.exchanges += 1;
          const reason = await reasonOf(() => readHeaders(this.#connection, row));
          if (reason !== null) this.#add('headers', row.id, `they cannot be put together: ${reason}`);
        }
    });
  }

  async connections(): Promise<void> {
    await this.#guard('connections', async () => {
      const rows = await this.#connection.all<{ id: string }>(
        `SELECT id FROM exchanges
         WHERE (agent_connection IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM connections WHERE run_id = exchanges.run_id AND number = agent_connection))
           OR (provider_connection IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM connections WHERE run_id = exchanges.run_id AND number = provider_connection))`,
      );
      for (const { id } of rows) this.#add('database', 'exchanges', `${id} names a connection that is not there`);
    });
  }

  async #checkBody(reader: ReturnType<typeof openBodyReader>, row: Omit<BodyRow, 'data'>): Promise<string | null> {
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const part of (await reader.read(row.call_id, row.side)) ?? []) {
        hash.update(part);
        bytes += part.length;
      }
      this.#counts.bodyBytes += bytes;
      if (hash.digest('hex') !== row.stored_sha256) return 'its bytes have another hash';
      if (bytes !== row.stored_bytes) return `${row.stored_bytes} bytes were stored, ${bytes} are there`;
      // Where nothing was masked and nothing cut, what is kept is what passed.
      const isWhole = row.masked === 0 && row.problem === null && row.decoded_sha256 !== null;
      return isWhole && row.decoded_sha256 !== row.stored_sha256 ? 'its bytes are not those that passed' : null;
    } catch (error) {
      return `it cannot be rebuilt: ${sayReason(error)}`;
    }
  }

  /** All rows, a page at a time, in the order of `key`. */
  async *#pages<Row>(
    table: 'items' | 'nodes' | 'bodies' | 'header_parts' | 'exchanges',
    key: 'hash' | 'rowid',
    columns = '*',
  ): AsyncGenerator<readonly Row[]> {
    const { all } = (await this.#connection.get<{ all: number }>(`SELECT count(*) AS "all" FROM ${table}`))!;
    let after: Uint8Array | number | null = null;
    for (let done = 0; ;) {
      const rows: (Row & { hash: Uint8Array; rowid: number })[] = await this.#connection.all(
        `SELECT ${columns} FROM ${table} WHERE ?1 IS NULL OR ${key} > ?1 ORDER BY ${key} LIMIT ${pageRows}`,
        [after],
      );
      yield rows;
      done += rows.length;
      if (table !== 'header_parts') this.#tell({ what: table, done, all });
      if (rows.length < pageRows) return;
      after = rows.at(-1)![key];
    }
  }

  /** A table that cannot be read is a problem too, and no reason to leave out the others. */
  async #guard(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#add('database', what, error instanceof Error ? error.message : String(error));
    }
  }

  #add(what: VerifyProblem['what'], id: string, message: string): void {
    this.#counts.problemCount += 1;
    if (this.#problems.length < listedProblems) this.#problems.push({ what, id, message });
  }
}

async function reasonOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return sayReason(error);
  }
}

function sayReason(error: unknown): string {
  const reason = error instanceof TapesError ? error.cause : error;
  return reason instanceof Error ? reason.message : String(reason);
}
