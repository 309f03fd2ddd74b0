// Which connections exchanges passed over, from the events to what a dump, an export, a prune and a verify make of them.
import { expect, test } from 'vitest';

import { freshDatabase, recordScript } from '../../test/support/record-script.ts';
import { plainAnswer, sse, type WireScript } from '../../test/support/wire-script.ts';
import { Connection } from './connection.ts';
import { exportSessions, importSessions, pruneRecordings, withLibrary } from './index.ts';
import type { WireConnection, WireExchange } from './queries/read-wire.ts';

const agent = { address: '127.0.0.1', port: 40_001 };
const tapes = { address: '127.0.0.1', port: 8765 };
const local = { address: '10.0.0.5', port: 50_001 };
const remote = { address: '203.0.113.7', port: 443 };
const request = [['content-type', 'application/json']] as const;

/** Two calls of two sessions over one connection of the agent's, and one of the second alone. */
function script(of: WireScript): void {
  of.open('agent', agent, tapes).wait(2.25).open('provider', local, remote).wait(1.5);
  of.call('ex-1', { session: 'session-a', client: agent }).wait(30);
  of.add({
    type: 'responseStarted',
    exchangeId: 'ex-1',
    response: { status: 200, reason: 'OK', headers: [['date', 'today']] },
    upstream: { local, remote, requestHeaders: request, response: { status: 200, reason: '', headers: [] } },
  });
  for (const event of plainAnswer('Well then.')) of.wait(10.125).data('ex-1', sse(event));
  of.wait(1).end('ex-1').wait(5);
  of.call('ex-2', { session: 'session-b', client: agent }).wait(5);
  of.close('agent', agent, { isReset: true }).wait(0.5).close('provider', local, { by: 'server' });
  // Told after the end of the connection that it was on.
  of.abort('ex-2', 'agent');
  of.call('ex-3', { session: 'session-b', client: { ...agent, port: 40_002 } }).answer('ex-3', plainAnswer('So.'));
}

interface Read {
  readonly exchanges: readonly WireExchange[];
  readonly connections: readonly WireConnection[];
  readonly hasProvider: boolean;
  readonly problems: readonly unknown[];
}

const read = (dbFile: string, id = 'run-1'): Promise<Read> =>
  withLibrary(dbFile, async (library) => {
    const scope = { kind: 'run', id } as const;
    const [exchanges, connections]: [WireExchange[], WireConnection[]] = [[], []];
    for await (const exchange of library.readWire(scope)) exchanges.push(exchange);
    for await (const connection of library.readWireConnections(scope)) connections.push(connection);
    const { problems } = await library.verify(() => undefined);
    return { exchanges, connections, hasProvider: await library.hasProviderSide(scope), problems };
  });

const record = async (): Promise<string> =>
  (await recordScript(script, { at: 1_800_000_000_000.125, run: { id: 'run-1' } })).dbFile;

test('ends, times and how it ended are told again to the microsecond, whichever is told first', async () => {
  const { exchanges, connections, hasProvider, problems } = await read(await record());
  expect(problems).toEqual([]);
  expect(hasProvider).toBe(true);
  expect(connections).toMatchObject([
    {
      openedAt: 1_800_000_000_000.125,
      opened: { leg: 'agent', client: agent, server: tapes, host: 'chatgpt.com', port: 443 },
      ended: { by: 'client', isReset: true },
    },
    {
      openedAt: 1_800_000_000_002.375,
      opened: { leg: 'provider', client: local, server: remote },
      ended: { by: 'server', isReset: false },
    },
  ]);
  const [ended = 0, endedThere = 0] = connections.map(({ endedAt }) => endedAt!);
  expect(endedThere - ended).toBeCloseTo(0.5, 3);
  expect(exchanges.map(({ id, client, upstream }) => [id, client?.port, upstream?.remote?.port])).toEqual([
    ['ex-1', 40_001, 443],
    ['ex-2', 40_001, undefined],
    ['ex-3', 40_002, undefined],
  ]);
  expect(exchanges[0]).toMatchObject({
    startedAt: 1_800_000_000_003.875,
    upstream: { local, requestHeaders: request, response: { status: 200, reason: '', headers: [] } },
    calls: [{ chunkTimes: { baseMs: 0 } }],
  });
  const { chunks } = exchanges[0]!.calls[0]!.chunkTimes!;
  expect(chunks.map(({ atMs }) => atMs)).toEqual(chunks.map((_, at) => 30 + 10.125 * (at + 1)));
});

test('an export holds what its sessions need of them, and an import gives it back', async () => {
  const dbFile = await record();
  const lines: string[] = [];
  const about = { tapesVersion: '1', exportedAt: 'now' };
  await exportSessions(dbFile, ['session-a'], about, async (line) => void lines.push(line));
  expect(lines.filter((line) => line.includes('"type":"connections"'))).toHaveLength(2);
  const other = await freshDatabase();
  await importSessions(
    other,
    (async function* () {
      yield* lines;
    })(),
  );
  const [before, after] = [await read(dbFile), await read(other)];
  expect(after.problems).toEqual([]);
  expect(after.exchanges).toEqual(before.exchanges.slice(0, 1));
  expect(after.connections).toEqual(before.connections);
  const damaged = lines.map((line) => line.replace(/"chunk_times":(\{[^}]*\}|"[^"]*")/, '"chunk_times":"\\u0009"'));
  const bad = importSessions(
    await freshDatabase(),
    (async function* () {
      yield* damaged;
    })(),
  );
  await expect(bad).rejects.toMatchObject({ code: 'E_IMPORT_DAMAGED' });
});

test('a prune takes those that no exchange is left on', async () => {
  const dbFile = await record();
  await pruneRecordings(dbFile, { type: 'session', id: 'session-b' }, false);
  const left = await read(dbFile);
  expect(left.problems).toEqual([]);
  expect(left.exchanges.map(({ id }) => id)).toEqual(['ex-1']);
  const connection = await Connection.open(dbFile, 'read');
  expect(await connection.all('SELECT leg, client_port FROM connections ORDER BY number')).toEqual([
    { leg: 'agent', client_port: 40_001 },
    { leg: 'provider', client_port: 50_001 },
  ]);
  await connection.close();
});

test('verify finds a connection that is not there, and times that cannot be read', async () => {
  const dbFile = await record();
  const connection = await Connection.open(dbFile, 'write');
  await connection.exec(
    "DELETE FROM connections WHERE leg = 'provider'; UPDATE bodies SET chunk_times = x'09' WHERE call_id = 'ex-1' AND side = 'response'",
  );
  await connection.close();
  expect((await read(dbFile)).problems).toMatchObject([
    { what: 'body', id: 'ex-1 response', message: 'the times of its chunks cannot be read' },
    { what: 'database', id: 'exchanges', message: 'ex-1 names a connection that is not there' },
  ]);
});
