// Whose run an exchange is, with a recorder that only notes what it is given.
import { describe, expect, it } from 'vitest';

import { codexRequest, plainAnswer, requestHead, WireScript } from '../../test/support/wire-script.ts';
import { noUsage, type RawHeaders, type ConnectionEvent, type WireEvent } from '../domain/index.ts';
import type { Recorder, RecorderReport, RecorderThread, RunStart } from '../store/index.ts';
import { RunRouter, type RouteRunsOptions } from './route-runs.ts';

interface NotedRun {
  readonly start: RunStart;
  readonly events: (WireEvent | ConnectionEvent)[];
  facts: unknown;
  isClosed: boolean;
  isDropped: boolean;
}

class NotingThread implements RecorderThread {
  readonly runs: NotedRun[] = [];
  readonly secrets: string[] = [];
  failure: string | null = null;
  isBehind = false;
  readonly goOns: (() => void)[] = [];
  readonly pace = { isBehind: () => this.isBehind, whenNotBehind: (goOn: () => void) => void this.goOns.push(goOn) };
  hasLeft = false;

  openRun(start: RunStart): Recorder {
    const run: NotedRun = { start, events: [], facts: null, isClosed: false, isDropped: false };
    this.runs.push(run);
    return {
      ready: Promise.resolve(null),
      push: (event) => void run.events.push(event),
      learnSecrets: () => undefined,
      describeRun: (facts) => void (run.facts = facts),
      endRun: () => undefined,
      waitingEvents: 7,
      dropWaiting: () => void (run.isDropped = true),
      close: async () => {
        run.isClosed = true;
        return reportOf(run);
      },
    };
  }

  learnSecrets(values: readonly string[]): void {
    this.secrets.push(...values);
  }

  leave(): void {
    this.hasLeft = true;
  }
}

function reportOf(run: NotedRun): RecorderReport {
  const exchanges = run.events.filter(({ type }) => type === 'requestStarted' || type === 'upgradeRefused').length;
  const sessions = run.start.kind === 'session' ? [{ id: run.start.id, shortId: run.start.id.slice(0, 8) }] : [];
  const crash = { problems: [], dropped: 0, usage: noUsage, backgroundCalls: 0 };
  return { ...crash, calls: sessions.length, turns: 1, sessions, exchanges };
}

const codexHeaders = (session: string | null, more: RawHeaders = []): RawHeaders => [
  ['originator', 'codex_exec'],
  ...(session === null ? [] : ([['session-id', session]] as const)),
  ...more,
];

interface Scene {
  readonly router: RunRouter;
  readonly threads: NotingThread[];
  readonly own: NotedRun;
  /** Sends a whole exchange; returns its id. */
  send(headers: RawHeaders, more?: { path?: string; method?: string; isLeftOpen?: boolean }): string;
  wait(ms: number): void;
  sessions(): NotedRun[];
}

function set(options: Partial<RouteRunsOptions> = {}): Scene {
  let at = 1_000_000;
  let count = 0;
  const threads: NotingThread[] = [];
  const router = new RunRouter({
    agent: 'codex',
    openThread: () => {
      const thread = new NotingThread();
      threads.push(thread);
      return thread;
    },
    start: { argv: ['tapes', 'proxy'], cwd: '/home/dev', label: null, pid: 1, version: '0' },
    askProcess: () => undefined,
    now: () => at,
    ...options,
  });
  return {
    router,
    threads,
    own: threads[0]!.runs[0]!,
    send(headers, { path = '/backend-api/codex/responses', method = 'POST', isLeftOpen = false } = {}) {
      const id = `ex-${++count}`;
      const script = new WireScript(at).post(id, { headers, path, method }, '{}');
      if (!isLeftOpen) script.answer(id, plainAnswer('Hi.'));
      for (const event of script.events) router.push(event);
      return id;
    },
    wait: (ms) => void (at += ms),
    sessions: () => threads.flatMap(({ runs }) => runs).filter(({ start }) => start.kind === 'session'),
  };
}

describe('an exchange', () => {
  it('goes to the run of its session, from its first event to its last', () => {
    const scene = set();
    scene.send(codexHeaders('a'));
    scene.send(codexHeaders('b'));
    scene.send(codexHeaders('a'));
    expect(scene.sessions().map(({ start, events }) => [start.agent, events.length])).toEqual([
      ['codex', 2 * scene.sessions()[1]!.events.length],
      ['codex', scene.sessions()[1]!.events.length],
    ]);
    expect(scene.own.events).toEqual([]);
    expect(scene.sessions().every(({ start }) => start.proxyRunId === scene.own.start.id)).toBe(true);
  });

  it('that belongs to no session goes to the proxy’s own run, as does what an agent asks for itself', () => {
    const scene = set();
    scene.send(codexHeaders(null), { path: '/backend-api/codex/models', method: 'GET' });
    scene.send([['user-agent', 'curl/8.5.0']], { path: '/backend-api/wham/usage', method: 'GET' });
    const title = codexRequest({ session: 'title', metadata: { thread_source: 'thread_title' } }).headers;
    scene.send([['originator', 'codex-tui'], ...title.filter(([name]) => name !== 'originator')]);
    expect(scene.sessions()).toEqual([]);
    expect(scene.own.events.filter(({ type }) => type === 'requestStarted').length).toBe(3);
  });

  it('of another program is never called Codex, even in a session of the same name', () => {
    const scene = set();
    scene.send(codexHeaders('a'));
    scene.send([
      ['originator', 'opencode'],
      ['user-agent', 'opencode/1.18.33'],
      ['session-id', 'a'],
    ]);
    scene.send([['user-agent', 'curl/8.5.0']]);
    scene.send([['user-agent', 'curl/8.5.0']]);
    scene.send([]);
    expect(scene.sessions().map(({ start }) => start.agent)).toEqual(['codex', 'opencode', 'curl', 'unknown']);
  });

  it('and events behind its end, or of no exchange at all, change nothing', () => {
    const scene = set();
    const id = scene.send(codexHeaders('a'));
    const before = scene.sessions()[0]!.events.length;
    const stamp = { at: 0, mono: 0 };
    scene.router.push({ type: 'responseEnded', exchangeId: id, ...stamp });
    scene.router.push({ type: 'responseData', exchangeId: 'nobody', data: new Uint8Array(1), ...stamp });
    scene.router.push({ type: 'tunnelOpened', tunnelId: 't', host: 'x', port: 443, ...stamp });
    expect(scene.sessions()[0]!.events.length).toBe(before);
  });

  it('that tapes cuts is told as cut by tapes, whatever the engine says of it later', () => {
    const scene = set();
    const id = scene.send(codexHeaders('a'), { isLeftOpen: true });
    scene.router.cutOpen();
    scene.router.push({ type: 'exchangeAborted', exchangeId: id, by: 'agent', error: null, at: 0, mono: 0 });
    const ends = scene.sessions()[0]!.events.filter(({ type }) => type === 'exchangeAborted');
    expect(ends).toMatchObject([{ by: 'tapes' }]);
  });
});

describe('a run', () => {
  it('ends when its session has been idle, not while an answer is open, and comes back as another', () => {
    const scene = set({ idleMs: 1000 });
    scene.send(codexHeaders('a'));
    const open = scene.send(codexHeaders('b'), { isLeftOpen: true });
    scene.wait(2000);
    scene.router.endIdle();
    expect(scene.sessions().map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(scene.router.liveSessions).toBe(1);
    scene.send(codexHeaders('a'));
    expect(scene.sessions().length).toBe(3);
    scene.router.push({ type: 'responseEnded', exchangeId: open, at: 0, mono: 0 });
    scene.wait(2000);
    scene.router.endIdle();
    expect(scene.router.liveSessions).toBe(0);
    expect(scene.own.isClosed).toBe(false);
  });

  it('makes room for another when there are very many, the longest idle first, and none with an open answer', () => {
    const scene = set();
    scene.send(codexHeaders('open'), { isLeftOpen: true });
    for (let at = 0; at < 100; at++) {
      scene.wait(10);
      scene.send(codexHeaders(`session-${at}`));
    }
    expect(scene.router.liveSessions).toBe(32);
    const closed = scene.sessions().filter(({ isClosed }) => isClosed);
    expect(closed.length).toBe(101 - 32);
    expect(closed).toEqual(scene.sessions().slice(1, 1 + closed.length));
  });

  it('of the proxy itself is followed by another each day, of the same proxy', () => {
    const scene = set({ ownRunMs: 1000 });
    const models = { path: '/backend-api/codex/models', method: 'GET' };
    scene.send(codexHeaders(null), models);
    const open = scene.send(codexHeaders(null), { ...models, isLeftOpen: true });
    scene.wait(2000);
    scene.router.endIdle();
    expect(scene.own.isClosed).toBe(false);
    scene.router.push({ type: 'responseEnded', exchangeId: open, at: 0, mono: 0 });
    scene.router.endIdle();
    expect(scene.own.isClosed).toBe(true);
    scene.send(codexHeaders(null), models);
    scene.send(codexHeaders('a'));
    expect(
      scene.threads[0]!.runs.slice(1).map(({ start, events }) => [start.kind, start.proxyRunId, events.length > 0]),
    ).toEqual([
      ['proxy', scene.own.start.id, true],
      ['session', scene.own.start.id, true],
    ]);
  });

  it('asks for its process until that is known', () => {
    let asked = 0;
    const scene = set({
      askProcess: (head, describe) => {
        asked += 1;
        if (asked === 3) describe({ argv: ['codex'], cwd: head.host });
      },
    });
    for (let at = 0; at < 5; at++) scene.send(codexHeaders('a'));
    scene.send(codexHeaders(null), { path: '/models', method: 'GET' });
    expect(asked).toBe(3);
    expect(scene.sessions()[0]!.facts).toEqual({ argv: ['codex'], cwd: requestHead().host });
  });
});

it('goes on in another thread when one has crashed, and tells it what is secret', async () => {
  const scene = set();
  scene.router.learnSecrets(['a secret']);
  scene.send(codexHeaders('a'));
  scene.threads[0]!.failure = 'it ran out of memory';
  scene.send(codexHeaders('a'));
  expect(scene.threads.length).toBe(1);
  scene.wait(60_000);
  scene.send(codexHeaders('a'));
  expect(scene.threads.length).toBe(2);
  expect(scene.threads[1]!.secrets).toEqual(['a secret']);
  expect(scene.threads[1]!.runs.map(({ start, events }) => [start.kind, events.length > 0])).toEqual([
    ['proxy', false],
    ['session', true],
  ]);
  expect(scene.threads[1]!.runs[1]!.start.proxyRunId).toBe(scene.threads[1]!.runs[0]!.start.id);
  await scene.router.close();
});

it('says what of its ending runs is left to be recorded, and drops that', async () => {
  const scene = set();
  scene.router.dropWaiting();
  expect([scene.router.waitingEvents, scene.threads[0]!.runs[0]!.isDropped]).toEqual([0, false]);
  const closed = scene.router.close();
  scene.router.dropWaiting();
  expect([scene.router.waitingEvents, scene.threads[0]!.runs[0]!.isDropped]).toEqual([7, true]);
  await closed;
  expect(scene.router.waitingEvents).toBe(0);
});

it('keeps the pace of whichever thread records', async () => {
  const scene = set();
  const { pace } = scene.router;
  let goesOn = 0;
  scene.threads[0]!.isBehind = true;
  expect(pace.isBehind()).toBe(true);
  pace.whenNotBehind(() => (goesOn += 1));
  scene.router.startAnew();
  expect(pace.isBehind()).toBe(false);
  scene.threads[0]!.goOns[0]!();
  expect(goesOn).toBe(1);
  await scene.router.close();
});

it('tells at its end what each session had, and how many there were before the last two hundred', async () => {
  const scene = set({ idleMs: 5 });
  for (let at = 0; at < 230; at++) {
    scene.send(codexHeaders(`session-${at}`));
    scene.wait(10);
    scene.router.endIdle();
  }
  const reports = await scene.router.close();
  expect(await scene.router.close()).toBe(reports);
  expect([reports.sessions.length, reports.earlierSessions, reports.exchanges]).toEqual([200, 30, 230]);
  expect(scene.threads.every(({ hasLeft, runs }) => hasLeft && runs.every(({ isClosed }) => isClosed))).toBe(true);
});
