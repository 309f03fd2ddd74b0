// What a dump costs: 20 streams at once with an event every 20 ms, recorded, with a dump and without it in turn. The provider and the reader are
// processes of their own; the interceptor, from the build, with the threads of its recorder and its dump, is this one, whose CPU time is
// taken. Prints a table for bench/README.md.
// Where there is `taskset`, this process has one core and the others have another: what moves between cores measures the moving.
//   npm run build && npx tsx bench/dump-cost.ts [seconds a round] [rounds] [formats, as pcapng,har]
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { teeSinks } from '../src/domain/index.ts';
import { testRootFile } from '../test/support/certificates.ts';
import { maskKeyOfTests, runStartOfTests } from '../test/support/run-start.ts';
import { choosePinning, type Part } from './peers/pin.ts';
import { ratioOfPairs } from './report/statistics.ts';
import { post, smallPost } from './traffic/requests.ts';
import type { UpstreamPorts } from './traffic/upstream.ts';
import { host, openTls, type Way } from './traffic/way.ts';

const upstreamFile = join(import.meta.dirname, 'traffic', 'upstream.ts');
const streams = 20;
const everyMs = 20;
/** Until the code of both threads is compiled: 5,000 events take ten times as long as those behind them (docs/discoveries/dump-cost.md). */
const warmUpMs = 8000;
const { pin, description: pinned } = choosePinning();

// The console is the engine's here, and quiet.
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

switch (process.argv[2]) {
  case 'reader':
    read();
    break;
  default:
    await measureAll(
      Number(process.argv[2] ?? 6),
      Number(process.argv[3] ?? 24),
      (process.argv[4] ?? 'pcapng,har,txt').split(','),
    );
}

/** Reads all streams of a way that it is told, until it is told null; then says how many bytes came. */
function read(): void {
  let open: TLSSocket[] = [];
  let bytes = 0;
  process.on('message', (way: Way | null) => {
    if (way === null) {
      for (const socket of open.splice(0)) socket.destroy();
      process.send?.(bytes);
      return;
    }
    bytes = 0;
    void Promise.all(Array.from({ length: streams }, () => openTls(way))).then((sockets) => {
      open = sockets;
      return Promise.all(
        sockets.map(async (socket) => {
          const response = await post(socket, smallPost('session-dump'), {
            type: 'stream',
            everyMs,
            events: Number.MAX_SAFE_INTEGER,
          });
          response.on('error', () => undefined);
          response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        }),
      );
    });
  });
  process.send?.('ready');
}

/** All its threads, and those that it starts. */
function setCore(part: Part, pid: number): void {
  const [command, args] = pin(part, 'true', []);
  const core = args[1];
  if (command === 'taskset' && core !== undefined) {
    spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', core, String(pid)]);
  }
}

interface Round {
  /** CPU time of all threads, in ms for a second of the streams. */
  readonly cpuMs: number;
  readonly dumpBytes: number;
}

async function measureAll(seconds: number, rounds: number, formats: readonly string[]): Promise<void> {
  const built = <T>(folder: string): Promise<T> =>
    import(new URL(`../dist/${folder}/index.js`, import.meta.url).href) as Promise<T>;
  const [proxy, ca, agents, store, dumps] = await Promise.all([
    built<typeof import('../src/proxy/index.ts')>('proxy'),
    built<typeof import('../src/ca/index.ts')>('ca'),
    built<typeof import('../src/agents/index.ts')>('agents'),
    built<typeof import('../src/store/index.ts')>('store'),
    built<typeof import('../src/dump/index.ts')>('dump'),
  ]);
  const children: ChildProcess[] = [];
  const begin = async (file: string, role: string): Promise<{ child: ChildProcess; said: unknown }> => {
    const child = fork(file, [role]);
    children.push(child);
    setCore('client', child.pid!);
    const [said] = (await once(child, 'message')) as [unknown];
    return { child, said };
  };
  const folder = mkdtempSync(join(tmpdir(), 'tapes-bench-'));
  setCore('proxy', process.pid);
  try {
    const providerPort = ((await begin(upstreamFile, 'provider')).said as UpstreamPorts).port;
    const reader = (await begin(import.meta.filename, 'reader')).child;
    const profile = agents.findProfile('codex')!;
    const root = await ca.openRoot(join(folder, 'ca'), profile.certificateDomains);
    proxy.quietEngine();

    const measure = async (ending: string | null): Promise<Round> => {
      const id = `run-${performance.now()}`;
      const recorder = store.openRecorder({
        dbFile: join(folder, 'tapes.db'),
        run: runStartOfTests({ id, startedAt: Date.now() }),
        maskKey: maskKeyOfTests,
        secrets: [],
      });
      await recorder.ready;
      const file = ending === null ? null : join(folder, `${id}.${ending}`);
      const dump =
        file === null
          ? null
          : dumps.openLiveDump({
              agent: 'codex',
              origin: { version: '0', hostname: '', os: '', hardware: '', command: 'bench', runId: id },
              maskKey: maskKeyOfTests,
              secrets: [],
              keepSecrets: false,
              targets: [{ format: dumps.formatOfFile(file)!, target: dumps.openDumpFile(file, false) }],
              tlsTarget: null,
              bodies: 'full',
              keepZstd: false,
            });
      const interceptor = await proxy.openInterceptor({
        port: 0,
        root,
        interceptHosts: profile.interceptHosts,
        isPermitted: (name) => ca.permits(root.permittedDomains, name),
        isRefusedUpgrade: (target) => profile.isRefusableUpgrade(target),
        readBackendHosts: (target, answer) => profile.readBackendHosts(target, answer),
        routes: { resolve: [proxy.parseResolve(`${host}:443:127.0.0.1:${providerPort}`)], proxy: null, noProxy: '' },
        extraRoots: [readFileSync(testRootFile, 'utf8')],
        sink: teeSinks(recorder, dump),
        tellsUpstream: true,
      });
      await interceptor.load();
      const authorization = `Basic ${Buffer.from(`tapes:${interceptor.password}`).toString('base64')}`;
      reader.send({ port: interceptor.port, proxy: { authorization }, caFile: root.certificateFile } satisfies Way);
      await new Promise((resolve) => setTimeout(resolve, warmUpMs));
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const { user, system } = process.cpuUsage(before);
      reader.send(null as never);
      const [bytes] = (await once(reader, 'message')) as [number];
      await interceptor.close();
      const [report] = await Promise.all([recorder.close(), dump?.close()]);
      if (report.dropped > 0 || bytes < streams * seconds * (800 / everyMs) * 50)
        throw new Error('the streams did not flow');
      return { cpuMs: (user + system) / 1000 / seconds, dumpBytes: file === null ? 0 : statSync(file).size };
    };

    const cases = ['none', ...formats];
    const results = new Map<string, Round[]>(cases.map((name) => [name, []]));
    // The first one pays for what runs for the first time.
    await measure(null);
    for (let round = 0; round < rounds; round++) {
      // There and back again: what grows with time is on both sides of a pair.
      for (const name of round % 2 === 0 ? cases : cases.toReversed()) {
        results.get(name)!.push(await measure(name === 'none' ? null : name));
      }
      if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds}`);
    }
    const median = (values: readonly number[]): number =>
      values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
    const without = results.get('none')!;
    say(`${rounds} rounds of ${seconds} s; ${pinned}\n`);
    say(
      '| dump | CPU, ms a second: median (min to max) | more than without (two standard errors) | written, kB a second |',
    );
    say('| --- | --- | --- | --- |');
    for (const [name, list] of results) {
      const cpu = list.map(({ cpuMs }) => cpuMs);
      const { mean, low, high } = ratioOfPairs(cpu.map((value, at) => [without[at]!.cpuMs, value]));
      const percent = (ratio: number): string => ((ratio - 1) * 100).toFixed(1);
      const more = name === 'none' ? '' : `${percent(mean)} % (${percent(low)} to ${percent(high)})`;
      const written = median(list.map(({ dumpBytes }) => dumpBytes)) / (seconds + warmUpMs / 1000) / 1000;
      const range = `${Math.min(...cpu).toFixed(1)} to ${Math.max(...cpu).toFixed(1)}`;
      say(`| ${name} | ${median(cpu).toFixed(1)} (${range}) | ${more} | ${written.toFixed(0)} |`);
    }
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
