// One run of the real Codex, dumped while it goes and again from the database: both files tell the same of connections, heads, bodies, chunks and
// times. What may differ is listed in docs/dumps.md, and left out here by name.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { execCommand, startStandIn, text, toolCall } from '../support/chatgpt/index.ts';
import { makeCodexHome } from '../support/codex.ts';
import { run } from '../support/run.ts';
import { interceptArgs, makeTapesHome, readRuns, runCodex, runTapes, sceneEnv, type Scene } from '../support/tapes.ts';
import { exportedBodies, httpMessages, tsharkComplaints, tsharkFields } from '../support/tshark.ts';

interface Entry {
  readonly startedDateTime: string;
  readonly serverIPAddress?: string;
  readonly connection?: string;
  readonly timings: Readonly<Record<string, number>>;
  readonly request: { readonly url: string; readonly headers: unknown; readonly postData?: { readonly text: string } };
  readonly response: {
    readonly status: number;
    readonly headers: unknown;
    readonly content: { readonly text?: string };
  };
  readonly _tapes: {
    readonly exchangeId: string;
    readonly callId?: string;
    readonly chunks?: readonly [number, number][];
  };
}

const readEntries = (file: string): Map<string, Entry> => {
  const { log } = JSON.parse(readFileSync(file, 'utf8')) as { log: { entries: Entry[] } };
  return new Map(log.entries.map((entry) => [entry._tapes.exchangeId, entry]));
};

interface Recorded {
  readonly scene: Scene;
  readonly live: { readonly pcapng: string; readonly har: string };
  readonly later: { readonly pcapng: string; readonly har: string; readonly txt: string };
}

async function recordAndDump(
  options: Parameters<typeof startStandIn>[0],
  act: (scene: Scene, dumps: string[]) => Promise<{ readonly exitCode: number | null; readonly stderr: string }>,
): Promise<Recorded & { readonly remove: () => Promise<void> }> {
  const codex = makeCodexHome();
  const standIn = await startStandIn(options);
  const tapes = makeTapesHome();
  const scene = { standIn, codex, tapes };
  const folder = join(tapes.dir, 'dumps');
  mkdirSync(folder);
  const file = (name: string): string => join(folder, name);
  const live = { pcapng: file('live.pcapng'), har: file('live.har') };
  const later = { pcapng: file('later.pcapng'), har: file('later.har'), txt: file('later.txt') };
  const { exitCode, stderr } = await act(scene, ['--dump', live.pcapng, '--dump', live.har]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const [{ id } = { id: '' }] = await readRuns(tapes);
  for (const [format, to] of Object.entries(later)) {
    const name = format === 'txt' ? 'text' : format;
    const dumped = await runTapes(tapes, ['dump', id, '--format', name, '-o', to]);
    expect(dumped).toMatchObject({ exitCode: 0 });
  }
  const remove = async (): Promise<void> => {
    await standIn.close();
    codex.remove();
    tapes.remove();
  };
  return { scene, live, later, remove };
}

/** Times are seconds; two clocks that are read for one event, and what is cut to microseconds, stay within this. */
const withinMs = 1;

// Secrets of all lengths, in fields of all kinds, in the query and in the body: short ones are shorter than the mark that the database keeps.
const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';
const secretFields = [
  'authorization: Bearer   ' + secret,
  'cookie: a=1; sid=S1d-77xQ; t="' + secret + '"',
  'x-api-key: k3y',
];
const post = `curl -sS --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json' ${secretFields.map((field) => `-H '${field}'`).join(' ')} -d '{"model":"m","input":[],"note":"${secret}"}'`;
const url = `'https://chatgpt.com/backend-api/codex/responses?access_token=${secret}%2Fx&code=Short1'`;

const cases: [
  name: string,
  options: Parameters<typeof startStandIn>[0],
  act: (scene: Scene, dumps: string[]) => Promise<{ readonly exitCode: number | null; readonly stderr: string }>,
][] = [
  [
    'Codex over HTTP/2',
    {
      scenario: [toolCall({ input: execCommand('echo hello') }), text('It said hello, and here are some more words.')],
    },
    (scene, dumps) => runCodex(scene, ['exec', '--skip-git-repo-check', 'say hello'], { options: dumps }),
  ],
  [
    'two requests on one HTTP/1.1 connection',
    { http2: false, scenario: () => text('Hello, and some more words.') },
    (scene, dumps) =>
      run(process.execPath, interceptArgs(scene, ['sh', '-c', `${post} ${url} ${url}; sleep 0.3`], dumps), {
        cwd: scene.codex.project,
        env: sceneEnv(scene),
      }),
  ],
  ...(['gzip', 'deflate', 'br', 'zstd'] as const).map((compress): (typeof cases)[number] => [
    `answers in ${compress} that hold a secret`,
    { http2: false, scenario: () => text(`Hello, it was ${secret}, and some more words.`, { compress }) },
    (scene, dumps) =>
      run(
        process.execPath,
        interceptArgs(scene, ['sh', '-c', `${post} ${url} ${url} -o /dev/null; sleep 0.3`], dumps),
        { cwd: scene.codex.project, env: sceneEnv(scene) },
      ),
  ]),
];

describe.each(cases)('%s: the dump from the database and the live one', (_name, options, act) => {
  let recorded: Awaited<ReturnType<typeof recordAndDump>>;
  let callIds: string[];
  beforeAll(async () => {
    recorded = await recordAndDump(options, act);
    const entries = [...readEntries(recorded.later.har).values()];
    callIds = entries.flatMap(({ _tapes }) => _tapes.callId ?? []);
    expect(callIds.length).toBeGreaterThan(1);
  });
  afterAll(() => recorded.remove());

  it('are both taken by tshark without a complaint', () => {
    expect(tsharkComplaints(recorded.live.pcapng)).toEqual([]);
    expect(tsharkComplaints(recorded.later.pcapng)).toEqual([]);
  });

  it('have the same conversations, with the same ends, opened and ended at the same times', () => {
    // One that nothing was asked over belongs to no exchange: the live dump alone has it.
    const used = (file: string): Set<string | undefined> =>
      new Set(tsharkFields(file, 'tcp.len > 0', 'tcp.stream').map(([stream]) => stream));
    const talks = (file: string): { readonly ends: string; readonly at: number; readonly flag: string }[] => {
      const streams = used(file);
      return tsharkFields(
        file,
        '(tcp.flags.syn == 1 && tcp.flags.ack == 0) || tcp.flags.fin == 1 || tcp.flags.reset == 1',
        'frame.interface_name',
        'ip.src',
        'tcp.srcport',
        'ip.dst',
        'tcp.dstport',
        'tcp.flags',
        'frame.time_epoch',
        'frame.comment',
        'tcp.stream',
      )
        .filter(([, , , , , , , comment]) => !comment?.includes('the file ends here'))
        .filter(([, , , , , , , , stream]) => streams.has(stream))
        .map(([leg, from, fromPort, to, toPort, flag = '', at]) => ({
          ends: `${leg} ${from}:${fromPort} ${to}:${toPort} ${flag}`,
          at: Number(at) * 1000,
          flag,
        }));
    };
    const [live, later] = [talks(recorded.live.pcapng), talks(recorded.later.pcapng)];
    // Streams of one HTTP/2 connection get ports that stand for it, in the order in which they overlap: the same in both.
    expect(later.map(({ ends }) => ends).sort()).toEqual(live.map(({ ends }) => ends).sort());
    for (const { ends, at } of live) {
      const near = later.filter((other) => other.ends === ends).map((other) => Math.abs(other.at - at));
      expect(Math.min(...near)).toBeLessThanOrEqual(withinMs);
    }
  });

  it('have the same requests and statuses with the same heads, on both sides', () => {
    expect(
      httpMessages(recorded.later.pcapng)
        .map(({ leg, method, uri, status }) => `${leg} ${method} ${uri} ${status}`)
        .sort(),
    ).toEqual(
      httpMessages(recorded.live.pcapng)
        .map(({ leg, method, uri, status }) => `${leg} ${method} ${uri} ${status}`)
        .sort(),
    );
    const heads = (file: string): string[] =>
      tsharkFields(
        file,
        'http.request || http.response',
        'frame.interface_name',
        'http.request.line',
        'http.response.line',
      )
        .map((fields) => fields.join(' '))
        .sort();
    expect(heads(recorded.later.pcapng)).toEqual(heads(recorded.live.pcapng));
  });

  it('say as much, byte for byte, in each direction of each conversation', () => {
    // Of what is no call only the heads are kept: there bodies are as long, and filled up.
    const isCall = 'http.request.method == "POST" && http.request.uri contains "/responses"';
    const said = (file: string): Map<string, string> => {
      const calls = new Set(tsharkFields(file, isCall, 'tcp.stream').map(([stream]) => stream));
      const result = new Map<string, string>();
      const fields = ['frame.interface_name', 'tcp.srcport', 'tcp.dstport', 'tcp.stream', 'tcp.payload'];
      for (const [leg, from, to, stream, payload = ''] of tsharkFields(file, 'tcp.len > 0', ...fields)) {
        const key = `${leg} ${from} ${to} ${calls.has(stream ?? '') ? 'call' : 'other'}`;
        result.set(key, (result.get(key) ?? '') + payload.replaceAll(':', ''));
      }
      return result;
    };
    const [live, later] = [said(recorded.live.pcapng), said(recorded.later.pcapng)];
    expect([...later.keys()].sort()).toEqual([...live.keys()].sort());
    let calls = 0;
    for (const [key, bytes] of live) {
      expect({ key, bytes: later.get(key)!.length / 2 }).toEqual({ key, bytes: bytes.length / 2 });
      if (!key.endsWith('call')) continue;
      calls += 1;
      expect(Buffer.from(later.get(key)!, 'hex').toString('latin1')).toBe(Buffer.from(bytes, 'hex').toString('latin1'));
    }
    expect(calls).toBeGreaterThanOrEqual(4);
    const all = [...live.values(), ...later.values()].map((bytes) => Buffer.from(bytes, 'hex').toString()).join('');
    expect(all).not.toContain(secret);
    expect([...live.values()].some((bytes) => /masked:[0-9a-f]{8}\*+/.test(Buffer.from(bytes, 'hex').toString()))).toBe(
      true,
    );
  });

  it('have the bodies of calls as the database has them', async () => {
    const bodies = [exportedBodies(recorded.live.pcapng), exportedBodies(recorded.later.pcapng)].map((all) =>
      all.map(String),
    );
    for (const id of callIds) {
      for (const side of ['request', 'response']) {
        const { stdout } = await runTapes(recorded.scene.tapes, ['raw', id, `--${side}`]);
        for (const all of bodies) {
          expect(all.filter((body) => body === stdout).length).toBeGreaterThanOrEqual(2);
        }
      }
    }
  });

  it('have the chunks of answers as they came, in pcapng and HAR', () => {
    // By side and call: the length and time of each packet of the answer.
    const packets = (file: string): Map<string, { readonly bytes: number; readonly at: number }[]> => {
      const streams = tsharkFields(
        file,
        'http.request.method == "POST" && http.request.uri contains "/responses"',
        'frame.interface_name',
        'tcp.stream',
      );
      const said = tsharkFields(
        file,
        'tcp.srcport == 80 && tcp.len > 0',
        'frame.interface_name',
        'tcp.stream',
        'tcp.dstport',
        'tcp.len',
        'frame.time_epoch',
      );
      const result = new Map<string, { readonly bytes: number; readonly at: number }[]>();
      for (const [leg, stream, port, bytes, at] of said) {
        if (!streams.some((known) => known[0] === leg && known[1] === stream)) continue;
        const key = `${leg} ${port}`;
        result.set(key, [...(result.get(key) ?? []), { bytes: Number(bytes), at: Number(at) * 1000 }]);
      }
      return result;
    };
    const [livePackets, laterPackets] = [packets(recorded.live.pcapng), packets(recorded.later.pcapng)];
    expect(livePackets.size).toBeGreaterThanOrEqual(2);
    expect([...laterPackets.keys()].sort()).toEqual([...livePackets.keys()].sort());
    for (const [key, list] of livePackets) {
      const others = laterPackets.get(key)!;
      expect(others.map(({ bytes }) => bytes)).toEqual(list.map(({ bytes }) => bytes));
      for (const [place, { at }] of list.entries()) {
        expect(Math.abs(others[place]!.at - at)).toBeLessThanOrEqual(withinMs);
      }
    }
    const [live, later] = [readEntries(recorded.live.har), readEntries(recorded.later.har)];
    expect([...later.keys()].sort()).toEqual([...live.keys()].sort());
    let seen = 0;
    for (const [id, entry] of live) {
      const other = later.get(id)!;
      expect(other.serverIPAddress).toBe(entry.serverIPAddress);
      expect(other.connection).toBe(entry.connection);
      expect(other.request.url).toBe(entry.request.url);
      expect(other.request.headers).toEqual(entry.request.headers);
      expect(other.response.headers).toEqual(entry.response.headers);
      expect(other.response.status).toBe(entry.response.status);
      expect(Math.abs(Date.parse(other.startedDateTime) - Date.parse(entry.startedDateTime))).toBeLessThanOrEqual(
        withinMs,
      );
      for (const phase of ['blocked', 'dns', 'connect', 'ssl', 'send', 'wait', 'receive']) {
        expect(Math.abs(other.timings[phase]! - entry.timings[phase]!), `${phase} of ${id}`).toBeLessThanOrEqual(
          withinMs,
        );
      }
      if (entry._tapes.callId === undefined) continue;
      expect(other.request.postData?.text).toBe(entry.request.postData?.text);
      expect(other.response.content.text).toBe(entry.response.content.text);
      expect(other._tapes.chunks?.map(([, bytes]) => bytes)).toEqual(entry._tapes.chunks?.map(([, bytes]) => bytes));
      for (const [at, [ms]] of (entry._tapes.chunks ?? []).entries()) {
        expect(Math.abs(other._tapes.chunks![at]![0] - ms)).toBeLessThanOrEqual(withinMs);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('says in the text when each chunk came', () => {
    const lines = readFileSync(recorded.later.txt, 'utf8');
    expect(lines).not.toContain('the times of its chunks were not kept');
    const times = [...lines.matchAll(/^(\S+Z) \+ +[\d.]+ \S+ +< \d+ bytes/gm)].map(([, at]) => at);
    expect(new Set(times).size).toBeGreaterThan(5);
  });

  it('says of a recording without the lengths of secrets in heads that masks there are not as long as they were', async () => {
    const { tapes } = recorded.scene;
    const [{ id } = { id: '' }] = await readRuns(tapes);
    const isSaid = async (): Promise<boolean[]> => {
      const formats = ['text', 'har', 'pcapng'].map((format) => runTapes(tapes, ['dump', id, '--format', format, '-o', '-'])); // prettier-ignore
      return (await Promise.all(formats)).map(({ stdout }) =>
        stdout.includes('did not keep how long secrets in heads were'),
      );
    };
    expect(await isSaid()).toEqual([false, false, false]);
    // As migration 8 leaves what was recorded before it.
    const db = new Database(join(tapes.dir, 'tapes.db'));
    db.prepare('UPDATE exchanges SET mark_lengths = NULL').run();
    db.close();
    expect(await isSaid()).toEqual([true, true, true]);
  });
});
