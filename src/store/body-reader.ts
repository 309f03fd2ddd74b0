// Bodies as they were, from whatever form they are kept in. Unpacked items may be remembered, for those who read many bodies of one
// conversation.
import { createHash } from 'node:crypto';

import { TapesError } from '../errors.ts';
import { readTemplate } from '../wire/index.ts';
import { unpackBody } from './compression.ts';
import type { Connection } from './connection.ts';
import { readChunks } from './open-call.ts';
import type { BodyRow, ItemRow } from './rows.ts';

export type BodySide = BodyRow['side'];
type StoredBody = Pick<BodyRow, 'storage' | 'data' | 'node' | 'stored_sha256'>;

export interface BodyReader {
  /** In pieces; null where none was recorded. Of a call that is still streaming: the response so far. Throws E_BODY_DAMAGED. */
  read(callId: string, side: BodySide): Promise<AsyncIterable<Uint8Array> | null>;
  /** All of it; null where none was recorded. Throws E_BODY_DAMAGED. */
  readWhole(callId: string, side: BodySide): Promise<Uint8Array | null>;
}

/** `rememberBytes`: how many bytes of unpacked items are kept for the next body. */
export function openBodyReader(connection: Connection, rememberBytes = 0): BodyReader {
  const items = new ItemCache(connection, rememberBytes);
  const read = async (callId: string, side: BodySide): Promise<AsyncIterable<Uint8Array> | null> => {
    const row = await connection.get<StoredBody>(
      'SELECT storage, data, node, stored_sha256 FROM bodies WHERE call_id = ? AND side = ?',
      [callId, side],
    );
    if (row !== undefined && row.storage !== 'chunks') {
      return once(await unpack(connection, items, callId, side, row));
    }
    if (side === 'request') return null;
    const { chunks } = (await connection.get<{ chunks: number }>(
      'SELECT count(*) AS chunks FROM response_chunks WHERE call_id = ?',
      [callId],
    ))!;
    return chunks === 0 ? null : pieces(connection, callId);
  };
  return {
    read,
    async readWhole(callId, side) {
      const body = await read(callId, side);
      if (body === null) return null;
      const parts: Uint8Array[] = [];
      for await (const part of body) parts.push(part);
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
  };
}

async function unpack(
  connection: Connection,
  items: ItemCache,
  callId: string,
  side: BodySide,
  row: StoredBody,
): Promise<Uint8Array> {
  try {
    const { storage, data } = row;
    if (storage === 'chunks') throw new Error('it is kept in chunks');
    const bytes =
      storage === 'template' ? await rebuild(connection, items, callId, row) : await unpackBody({ storage, data });
    if (createHash('sha256').update(bytes).digest('hex') !== row.stored_sha256) {
      throw new Error('its bytes are not those that were stored');
    }
    return bytes;
  } catch (error) {
    throw new TapesError(
      'E_BODY_DAMAGED',
      `the ${side} body of call ${callId} cannot be rebuilt: ${error instanceof Error ? error.message : String(error)}`,
      { hint: 'see what else is damaged: tapes verify', cause: error },
    );
  }
}

async function rebuild(connection: Connection, items: ItemCache, callId: string, row: StoredBody): Promise<Uint8Array> {
  const template = readTemplate(await unpackBody({ storage: 'deflate-1', data: row.data }));
  const chain = await connection.all<{ item: Buffer }>(
    // Bounded, so that a damaged chain that leads back to itself ends.
    `WITH RECURSIVE chain (parent, item, depth) AS (
       SELECT parent, item, 1 FROM nodes WHERE hash = ?1
       UNION ALL
       SELECT nodes.parent, nodes.item, depth + 1 FROM chain JOIN nodes ON nodes.hash = chain.parent WHERE depth <= ?2
     )
     SELECT item FROM chain ORDER BY depth DESC`,
    [row.node, template.items],
  );
  const parts = await connection.all<{ item: Buffer }>(
    'SELECT item FROM request_parts WHERE call_id = ? ORDER BY seq',
    [callId],
  );
  if (chain.length !== template.items)
    throw new Error(`${template.items} items were stored, ${chain.length} are there`);
  if (parts.length !== template.parts)
    throw new Error(`${template.parts} parts were stored, ${parts.length} are there`);
  return template.fill(
    await items.readAll(chain.map(({ item }) => item)),
    await items.readAll(parts.map(({ item }) => item)),
  );
}

// SQLite takes up to 32766 parameters in one statement; fewer make statements that are alike.
const itemsAtOnce = 256;

class ItemCache {
  readonly #connection: Connection;
  readonly #rememberBytes: number;
  /** In the order in which they were last asked for. */
  readonly #known = new Map<string, Uint8Array>();
  #knownBytes = 0;

  constructor(connection: Connection, rememberBytes: number) {
    this.#connection = connection;
    this.#rememberBytes = rememberBytes;
  }

  async readAll(hashes: readonly Buffer[]): Promise<Uint8Array[]> {
    const keys = hashes.map((hash) => hash.toString('latin1'));
    const found = new Map<string, Uint8Array>();
    const missing = new Map<string, Buffer>();
    keys.forEach((key, at) => {
      const known = this.#known.get(key);
      if (known === undefined) missing.set(key, hashes[at]!);
      else found.set(key, known);
    });
    for (const [key, bytes] of await this.#fetch([...missing.values()])) {
      found.set(key, bytes);
      this.#remember(key, bytes);
    }
    return keys.map((key, at) => {
      const bytes = found.get(key);
      if (bytes === undefined) throw new Error(`item ${hashes[at]!.toString('hex')} is missing`);
      return bytes;
    });
  }

  async #fetch(hashes: readonly Buffer[]): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (let at = 0; at < hashes.length; at += itemsAtOnce) {
      const group = hashes.slice(at, at + itemsAtOnce);
      const rows = await this.#connection.all<Pick<ItemRow, 'storage' | 'data'> & { hash: Buffer }>(
        `SELECT hash, storage, data FROM items WHERE hash IN (${group.map(() => '?').join(', ')})`,
        group,
      );
      for (const { hash, storage, data } of rows)
        found.set(hash.toString('latin1'), await unpackBody({ storage, data }));
    }
    return found;
  }

  #remember(key: string, bytes: Uint8Array): void {
    if (bytes.length > this.#rememberBytes) return;
    this.#known.set(key, bytes);
    this.#knownBytes += bytes.length;
    for (const [oldest, old] of this.#known) {
      if (this.#knownBytes <= this.#rememberBytes) return;
      this.#known.delete(oldest);
      this.#knownBytes -= old.length;
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* pieces(connection: Connection, callId: string): AsyncGenerator<Uint8Array> {
  for await (const { data } of readChunks(connection, callId)) yield data;
}
