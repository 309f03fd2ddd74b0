// How much later an event of a stream arrives because others post 1 MB meanwhile, and because all is recorded. Four streams with an event
// every 10 ms, another client that posts zstd bodies of 1 MB (decoded), the provider: each a process of its own; the interceptor and its
// recorder's thread, from the build, are this one. Events carry the monotonic time at which they were sent. Prints a table for bench/README.md.
//   npm run build && npx tsx bench/stream-delay.ts [seconds a round] [rounds]
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { zstdCompress } from 'http-encoding';

import type { Sink } from '../src/domain/index.ts';
import { testRootFile } from '../test/support/certificates.ts';
import { randomJsonText } from '../test/support/chunks.ts';
import { maskKeyOfTests, runStartOfTests } from '../test/support/run-start.ts';
import { codexRequest, userMessage } from '../test/support/wire-script.ts';
import { post, smallPost } from './traffic/requests.ts';
import { SentTimes } from './traffic/sent-times.ts';
import type { UpstreamPorts } from './traffic/upstream.ts';
import { host, nowMs, openTls, type Way } from './traffic/way.ts';

const upstreamFile = join(import.meta.dirname, 'traffic', 'upstream.ts');
const streams = 4;
const everyMs = 10;
const postEveryMs = 200;

/** What the parent says to a client, and what a client answers. */
type Order = { readonly type: 'start'; readonly way: Way } | { readonly type: 'stop' };
interface Answer {
  readonly delaysMs: readonly number[];
  readonly posts: number;
}

// The console is the engine's here, and quiet.
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
interface Held {
  readonly heldMs: number;
  /** Of the thread that carries the traffic: time on a core, and time ready to run without one. */
  readonly ranMs: number;
  readonly waitedMs: number;
  readonly pushesMs: readonly number[];
}

/** From Linux; elsewhere nothing is known of a single thread. */
function readMainThread(): { readonly ranMs: number; readonly waitedMs: number } {
  try {
    const [ran = 0, waited = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
      .split(' ')
      .map(Number);
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return { ranMs: NaN, waitedMs: NaN };
  }
}

switch (process.argv[2]) {
  case 'streams':
    serve(readStreams);
    break;
  case 'posts':
    serve(await preparePosts());
    break;
  default:
    await measureAll(Number(process.argv[2] ?? 6), Number(process.argv[3] ?? 2));
}

/** A client: works from `start` to `stop`, then tells what it saw. */
function serve(work: (way: Way, stopped: AbortSignal) => Promise<Answer>): void {
  let controller = new AbortController();
  process.on('message', (order: Order) => {
    if (order.type === 'stop') return controller.abort();
    controller = new AbortController();
    void work(order.way, controller.signal).then((answer) => process.send?.(answer));
  });
  process.send?.('ready');
}

async function readStreams(way: Way, stopped: AbortSignal): Promise<Answer> {
  const delaysMs: number[] = [];
  const sockets = await Promise.all(Array.from({ length: streams }, () => openTls(way)));
  await Promise.all(
    sockets.map(async (socket) => {
      const response = await post(socket, smallPost('session-streams'), {
        type: 'stream',
        everyMs,
        events: Number.MAX_SAFE_INTEGER,
      });
      const times = new SentTimes();
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        const now = nowMs();
        for (const sent of times.push(chunk)) delaysMs.push(now - sent);
      });
    }),
  );
  await aborted(stopped);
  for (const socket of sockets) socket.destroy();
  // How streams begin (the first handshakes, code that runs for the first time) is another question.
  return { delaysMs: delaysMs.slice(streams * 100), posts: 0 };
}

/** Bodies of a conversation that grows a little with each, as Codex sends them: 1 MB decoded. */
async function preparePosts(): Promise<(way: Way, stopped: AbortSignal) => Promise<Answer>> {
  const items = Array.from({ length: 240 }, (_, at) => userMessage(randomJsonText(at, 4400), 'turn-1', `msg_${at}`));
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < 40; at++) {
    const { body } = codexRequest({ session: 'session-posts', turn: `turn-${at}`, input: items.slice(0, 200 + at) });
    bodies.push(await zstdCompress(Buffer.from(JSON.stringify(body))));
  }
  return async (way, stopped) => {
    const socket = await openTls(way);
    let posts = 0;
    while (!stopped.aborted) {
      const next = new Promise((resolve) => setTimeout(resolve, postEveryMs));
      const body = bodies[posts % bodies.length]!;
      const response = await post(socket, { session: 'session-posts', body, isZstd: true }, { type: 'answer' });
      await once(response.resume(), 'end');
      posts += 1;
      await next;
    }
    socket.destroy();
    return { delaysMs: [], posts };
  };
}

const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

async function measureAll(seconds: number, rounds: number): Promise<void> {
  const built = <T>(folder: string): Promise<T> =>
    import(new URL(`../dist/${folder}/index.js`, import.meta.url).href) as Promise<T>;
  type Proxy = typeof import('../src/proxy/index.ts');
  type Ca = typeof import('../src/ca/index.ts');
  type Agents = typeof import('../src/agents/index.ts');
  type Store = typeof import('../src/store/index.ts');
  const [proxy, ca, agents, store] = await Promise.all([
    built<Proxy>('proxy'),
    built<Ca>('ca'),
    built<Agents>('agents'),
    built<Store>('store'),
  ]);
  const children: ChildProcess[] = [];
  const begin = async (file: string, role: string): Promise<{ child: ChildProcess; said: unknown }> => {
    const child = fork(file, [role]);
    children.push(child);
    const [said] = (await once(child, 'message')) as [unknown];
    return { child, said };
  };
  const folder = mkdtempSync(join(tmpdir(), 'tapes-bench-'));
  try {
    const providerPort = ((await begin(upstreamFile, 'provider')).said as UpstreamPorts).port;
    const reader = (await begin(import.meta.filename, 'streams')).child;
    const poster = (await begin(import.meta.filename, 'posts')).child;
    const profile = agents.findProfile('codex')!;
    const root = await ca.openRoot(join(folder, 'ca'), profile.certificateDomains);
    proxy.quietEngine();

    const measure = async (way: Way, isPosting: boolean): Promise<Answer> => {
      const order = (child: ChildProcess, what: Order): void => void child.send(what);
      order(reader, { type: 'start', way });
      if (isPosting) order(poster, { type: 'start', way });
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const stop = async (child: ChildProcess): Promise<Answer> => {
        const answer = once(child, 'message') as Promise<[Answer]>;
        order(child, { type: 'stop' });
        return (await answer)[0];
      };
      const posts = isPosting ? (await stop(poster)).posts : 0;
      return { ...(await stop(reader)), posts };
    };
    const measureUnder = async (records: boolean, isPosting: boolean): Promise<Answer & Held> => {
      const recorder = records
        ? store.openRecorder({
            dbFile: join(folder, `tapes-${isPosting}.db`),
            run: runStartOfTests({ id: `run-${performance.now()}`, startedAt: Date.now() }),
            maskKey: maskKeyOfTests,
            secrets: [],
          })
        : null;
      await recorder?.ready;
      // All that recording does on the thread that carries the traffic: a copy, and handing it over.
      const pushesMs: number[] = [];
      const sink: Sink<unknown> = {
        push(event) {
          const begunAt = performance.now();
          recorder?.push(event);
          pushesMs.push(performance.now() - begunAt);
        },
        close: async () => undefined,
      };
      const interceptor = await proxy.openInterceptor({
        port: 0,
        root,
        interceptHosts: profile.interceptHosts,
        isPermitted: (name) => ca.permits(root.permittedDomains, name),
        isRefusedUpgrade: (target) => profile.isRefusableUpgrade(target),
        readBackendHosts: (target, answer) => profile.readBackendHosts(target, answer),
        routes: { resolve: [proxy.parseResolve(`${host}:443:127.0.0.1:${providerPort}`)], proxy: null, noProxy: '' },
        extraRoots: [readFileSync(testRootFile, 'utf8')],
        sink,
      });
      await interceptor.load();
      const authorization = `Basic ${Buffer.from(`tapes:${interceptor.password}`).toString('base64')}`;
      const held = monitorEventLoopDelay({ resolution: 1 });
      // As the clients: without how it begins.
      let before = readMainThread();
      const begun = setTimeout(() => {
        held.enable();
        before = readMainThread();
      }, 1000);
      const answer = await measure(
        { port: interceptor.port, proxy: { authorization }, caFile: root.certificateFile },
        isPosting,
      );
      clearTimeout(begun);
      held.disable();
      const after = readMainThread();
      await interceptor.close();
      const report = await recorder?.close();
      if (report !== undefined && (report.dropped > 0 || report.problems.length > 0)) {
        throw new Error(`${report.dropped} events lost: ${report.problems.join('; ')}`);
      }
      const ranMs = after.ranMs - before.ranMs;
      return { ...answer, heldMs: held.max / 1e6, ranMs, waitedMs: after.waitedMs - before.waitedMs, pushesMs };
    };

    const direct: Way = { port: providerPort, proxy: null, caFile: testRootFile };
    const cases = [
      ['no interceptor', () => measure(direct, false)],
      ['no interceptor, 1 MB posts', () => measure(direct, true)],
      ['intercepted, not recorded', () => measureUnder(false, false)],
      ['intercepted, not recorded, 1 MB posts', () => measureUnder(false, true)],
      ['intercepted and recorded', () => measureUnder(true, false)],
      ['intercepted and recorded, 1 MB posts', () => measureUnder(true, true)],
    ] as const;
    const results = cases.map(() => ({
      delaysMs: [] as number[],
      posts: 0,
      heldMs: 0,
      ranMs: 0,
      waitedMs: 0,
      pushesMs: [] as number[],
    }));
    for (let round = 0; round < rounds; round++) {
      for (const [at, [, run]] of cases.entries()) {
        const answer: Answer & Partial<Held> = await run();
        const result = results[at]!;
        for (const delay of answer.delaysMs) result.delaysMs.push(delay);
        for (const took of answer.pushesMs ?? []) result.pushesMs.push(took);
        result.posts += answer.posts;
        result.heldMs = Math.max(result.heldMs, answer.heldMs ?? 0);
        result.ranMs += answer.ranMs ?? 0;
        result.waitedMs += answer.waitedMs ?? 0;
      }
    }
    say(
      '| | events | posts | p50 | p90 | p99 | p99.9 | max | thread held, max | thread ran, waited for a core, ms a second | in `push`: p50, p99, max |',
    );
    say('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
    const times = (values: readonly number[], shares: readonly number[]): string[] => {
      const sorted = values.toSorted((a, b) => a - b);
      return shares.map((share) =>
        (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2),
      );
    };
    for (const [at, [name]] of cases.entries()) {
      const { delaysMs, posts, heldMs, ranMs, waitedMs, pushesMs } = results[at]!;
      const measuredSeconds = (seconds - 1) * rounds;
      const ran = ranMs === 0 ? '' : [ranMs, waitedMs].map((ms) => (ms / measuredSeconds).toFixed(1)).join(', ');
      const pushes = pushesMs.length === 0 ? '' : times(pushesMs, [0.5, 0.99, 1]).join(', ');
      const delays = times(delaysMs, [0.5, 0.9, 0.99, 0.999, 1]).join(' | ');
      say(
        `| ${name} | ${delaysMs.length} | ${posts} | ${delays} | ${heldMs === 0 ? '' : heldMs.toFixed(1)} | ${ran} | ${pushes} |`,
      );
    }
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
