// The order of a run: round by round, and in each round every peer in its turn, so that whatever the machine does meanwhile falls on all alike. A figure that
// fails at a peer is noted and the run goes on.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { testRootFile } from '../test/support/certificates.ts';
import type { Figure, Stage, Values } from './figures/figure.ts';
import type { BenchOptions } from './options.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { choosePinning, type Pin, type Pinning } from './peers/pin.ts';
import { hasProcesses } from './peers/process-tree.ts';
import { describeMachine } from './report/machine.ts';
import type { PeerResult, Results, Sample } from './report/results.ts';
import { startTraffic, type Traffic } from './traffic/programs.ts';

export async function measure(options: BenchOptions, onProgress: (line: string) => void): Promise<Results> {
  const startedAt = new Date();
  const progress = (line: string): void =>
    onProgress(`${((Date.now() - startedAt.getTime()) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  const { pin, keepAway, description } = choosePinning();
  const folder = mkdtempSync(join(tmpdir(), 'tapes-bench-'));
  const traffic = await startTraffic(pin);
  process.once('exit', () => {
    traffic.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const notes: string[] = hasProcesses ? [] : ['CPU time and memory are not measured: there is no Linux /proc here'];
  const samples: Sample[] = [];
  const results = await Promise.all(options.peers.map(lookFor));
  const present = options.peers.filter((_, at) => results[at]!.absent === null);
  let rounds = 0;
  const isTimeUp = (): boolean => rounds > 0 && Date.now() - startedAt.getTime() > options.budgetMs;
  while (rounds < options.rounds && !isTimeUp()) {
    // Nobody is always the first.
    const order = present.map((_, at) => present[(at + rounds) % present.length]!);
    for (const peer of order) {
      if (isTimeUp()) {
        notes.push(`round ${rounds + 1} has no ${peer.name}: the time was up`);
        continue;
      }
      await measurePeer(peer, {
        options,
        traffic,
        pin,
        keepAway,
        folder,
        round: rounds,
        samples,
        notes,
        onProgress: progress,
      });
    }
    rounds += 1;
  }
  if (rounds < options.rounds) notes.push(`${rounds} of ${options.rounds} rounds: the time was up`);
  traffic.close();
  return {
    name: options.name,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    isShort: options.isShort,
    rounds,
    machine: describeMachine(description),
    peers: results,
    rows: options.figures.flatMap(({ name, rows }) => rows.map((row) => ({ figure: name, ...row }))),
    samples,
    notes,
  };
}

async function lookFor(peer: Peer): Promise<PeerResult> {
  const { name, label } = peer;
  const presence = await peer.look();
  return 'absent' in presence
    ? { name, label, version: '', absent: presence.absent }
    : { name, label, version: presence.version, absent: null };
}

interface Turn {
  readonly options: BenchOptions;
  readonly traffic: Traffic;
  readonly pin: Pin;
  readonly keepAway: Pinning['keepAway'];
  readonly folder: string;
  readonly round: number;
  readonly samples: Sample[];
  readonly notes: string[];
  readonly onProgress: (line: string) => void;
}

async function measurePeer(peer: Peer, turn: Turn): Promise<void> {
  const { options, traffic, pin, folder, round, samples, notes, onProgress } = turn;
  const where = `${peer.name}, round ${round + 1}`;
  const place = join(folder, peer.name);
  mkdirSync(place, { recursive: true });
  const start = async (): Promise<RunningPeer> => {
    const upstreamRootFile = testRootFile;
    const running = await peer.start({ folder: place, upstreamPort: traffic.port, upstreamRootFile, pin });
    await traffic.ask({ type: 'firstByte', way: running.way, warmUp: 0, requests: options.scale.warmUps }, 30_000);
    return running;
  };
  const warm = async ({ way }: RunningPeer): Promise<void> => {
    const events = Math.ceil(options.scale.warmStreamMs / 10);
    const { lost } = await traffic.ask(
      { type: 'streams', way, streams: 8, everyMs: 10, events, isLarge: true },
      60_000,
    );
    if (lost > 0) throw new Error(`${lost} events are lost as it is warmed`);
  };
  const stop = async (running: RunningPeer, what: string): Promise<void> => {
    for (const problem of await running.stop()) notes.push(`${where}, ${what}: ${problem}`);
  };
  let running: RunningPeer;
  try {
    onProgress(`${where}: start`);
    running = await start();
    await warm(running);
  } catch (error) {
    notes.push(`${where}: it could not be started: ${(error as Error).message}`);
    for (const { name: figure } of options.figures.filter(isMeasuredAt(peer, round))) {
      samples.push({ round, peer: peer.name, figure, values: null, failure: (error as Error).message });
    }
    return;
  }
  for (const figure of options.figures.filter(isMeasuredAt(peer, round))) {
    onProgress(`${where}: ${figure.name}`);
    let fresh: RunningPeer | null = null;
    const endFresh = async (): Promise<void> => {
      if (fresh !== null) await stop(fresh, figure.name);
      fresh = null;
    };
    const stage: Stage = {
      peer,
      traffic,
      scale: options.scale,
      running,
      async startFresh() {
        if (!options.scale.isFresh) return running;
        await endFresh();
        return (fresh = await start());
      },
    };
    const sample = { round, peer: peer.name, figure: figure.name };
    try {
      turn.keepAway(figure.isPinned !== false);
      const values: Values = await figure.measure(stage);
      samples.push({ ...sample, values });
    } catch (error) {
      const failure = (error as Error).message;
      samples.push({ ...sample, values: null, failure });
      notes.push(`${where}, ${figure.name}: ${failure}`);
    }
    await endFresh();
  }
  await stop(running, 'at its end');
}

const isMeasuredAt =
  (peer: Peer, round: number) =>
  ({ peers, rounds = Infinity }: Figure): boolean =>
    round < rounds && (peers === undefined || peers.includes(peer.name));
