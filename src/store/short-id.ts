// The shortest beginning of an id that still names it alone, as git shows them; at least eight characters, so that what is unique
// today stays so for a while.
import type { Connection } from './connection.ts';

export type IdKind = 'session' | 'turn' | 'call' | 'run';

const minLength = 8;

/** A session's prefix may be that of a turn too (both begin with the time): where either is accepted, a session comes first. */
const sources: Readonly<Record<IdKind, readonly string[]>> = {
  session: ['sessions'],
  turn: ['sessions', 'turns'],
  call: ['sessions', 'turns', 'calls'],
  run: ['runs'],
};

export async function shortenId(connection: Connection, kind: IdKind, id: string): Promise<string> {
  return (await shortenIds(connection, kind, [id])).get(id) ?? id;
}

/** Compares each id with its neighbours only: a prefix that tells it from them tells it from all. */
export async function shortenIds(
  connection: Connection,
  kind: IdKind,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const neighbours = sources[kind].flatMap((table) => [
    `(SELECT max(id) FROM ${table} WHERE id < value)`,
    `(SELECT min(id) FROM ${table} WHERE id > value)`,
  ]);
  const rows = await connection.all<{ id: string; near: string }>(
    `SELECT value AS id, json_array(${neighbours.join(', ')}) AS near FROM json_each(?)`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map(({ id, near }) => [id, shorten(id, JSON.parse(near) as (string | null)[])]));
}

function shorten(id: string, neighbours: readonly (string | null)[]): string {
  const common = neighbours.map((neighbour) => (neighbour === null ? 0 : commonLength(id, neighbour)));
  const length = Math.max(minLength, ...common.map((shared) => shared + 1));
  // A dash at the end says nothing.
  return id.slice(0, id[length - 1] === '-' ? length + 1 : length);
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
