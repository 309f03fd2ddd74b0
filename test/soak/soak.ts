// The soak: the built `tapes proxy` as a user starts it, under mixed load for so many minutes, everything compared, and a verdict on each promise.
import { mkdirSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';

import { proxyEnv, readProxyEnvironment } from '../support/standing-proxy.ts';
import { start } from '../support/run.ts';
import { makeTapesHome, runTapes, tapesBin } from '../support/tapes.ts';
import { startBystanders } from './bystanders.ts';
import { compareRecording, type RecordingVerdict } from './compare-recording.ts';
import { judgeSeries, type SeriesRule, type SeriesVerdict } from './judge-series.ts';
import { Ledger, type EndsReport } from './ledger.ts';
import { startLoad, type LaneName } from './load.ts';
import { startSoakProvider } from './provider.ts';
import { watchProcess, type Sample } from './watch-process.ts';

export interface SoakOptions {
  readonly lanes: readonly LaneName[];
  readonly minutes: number;
  readonly seed: number;
  readonly onProgress: (progress: SoakProgress) => void;
}

export interface SoakProgress {
  readonly doneSeconds: number;
  readonly exchanges: number;
  readonly problemCount: number;
  readonly sample: Sample | undefined;
}

export interface SoakReport {
  readonly version: 1;
  readonly minutes: number;
  readonly seed: number;
  readonly machine: string;
  readonly warmUpSeconds: number;
  readonly ends: EndsReport;
  readonly recording: RecordingVerdict;
  readonly series: readonly SeriesVerdict[];
  readonly samples: readonly Sample[];
  /** Empty: everything holds. */
  readonly failures: readonly string[];
}

/**
 * What must be flat: no slope of which one can be 95 % sure that it made more, while it was watched, than so large a part of the level. A run that ends
 * before memory has reached its size (see below) is allowed more of it.
 */
const rulesFor = (minutes: number): readonly (SeriesRule & { readonly key: keyof Sample })[] => [
  { key: 'ownMegabytes', name: 'memory of its own', unit: 'MB', of: 'floor', allowedShare: minutes < 40 ? 0.05 : 0.02 },
  { key: 'heapMegabytes', name: 'heap in use', unit: 'MB', of: 'floor', allowedShare: 0.05 },
  { key: 'externalMegabytes', name: 'buffers', unit: 'MB', of: 'floor', allowedShare: 0.05 },
  { key: 'descriptors', name: 'descriptors', unit: '', of: 'middle', allowedShare: 0.02 },
  { key: 'sockets', name: 'sockets', unit: '', of: 'middle', allowedShare: 0.02 },
  { key: 'threads', name: 'threads', unit: '', of: 'middle', allowedShare: 0 },
];

/** The first half, and no more than twenty minutes: as long as V8 and the 32 runs that a proxy keeps open took to reach their size (docs/reliability.md). */
const warmUpSecondsOf = (minutes: number): number => Math.min(minutes / 2, 20) * 60;

export async function soak({ minutes, seed, lanes, onProgress }: SoakOptions): Promise<SoakReport> {
  const tapes = makeTapesHome();
  const ledger = new Ledger();
  const provider = await startSoakProvider(ledger);
  const memoryFile = join(tapes.dir, 'memory.json');
  const dumps = join(tapes.dir, 'dumps');
  mkdirSync(dumps);
  const proxy = start(
    process.execPath,
    [
      tapesBin,
      'proxy',
      ...provider.routeArgs,
      '--dump',
      join(dumps, 'ring.pcapng'),
      '--dump-max-bytes',
      '20MB',
      '--dump-files',
      '3',
    ],
    {
      env: proxyEnv(tapes, {
        NODE_OPTIONS: `--require ${join(import.meta.dirname, 'tell-memory.cjs')}`,
        SOAK_MEMORY_FILE: memoryFile,
      }),
      cwd: tapes.dir,
      timeoutMs: (minutes + 5) * 60_000,
    },
  );
  try {
    await proxy.said('CODEX_CA_CERTIFICATE');
    const environment = await readProxyEnvironment(tapes);
    const url = new URL(environment['HTTPS_PROXY'] ?? '');
    const login = Buffer.from(`${url.username}:${url.password}`).toString('base64');
    const way = {
      port: Number(url.port),
      proxy: { authorization: `Basic ${login}` },
      caFile: environment['CODEX_CA_CERTIFICATE'] ?? '',
    };
    const watch = watchProcess(proxy.pid, memoryFile);
    const load = startLoad({ way, echoPort: provider.echoPort, ledger, seed, lanes });
    const everyMs = 10_000;
    const bystanders = startBystanders({ tapes, ledger, routeArgs: provider.routeArgs, seed, everyMs });
    const begun = performance.now();
    const progress = setInterval(() => {
      const { exchanges, problemCount } = ledger.report();
      const doneSeconds = (performance.now() - begun) / 1000;
      onProgress({ doneSeconds, exchanges, problemCount, sample: watch.samples.at(-1) });
    }, 2_000);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, minutes * 60_000)), proxy.ended]);
    watch.stop();
    // `tapes tail`, begun last, still has something to tell.
    await bystanders.stop();
    await load.stop();
    clearInterval(progress);

    proxy.kill('SIGTERM');
    const { exitCode, stderr } = await proxy.ended;
    const ends = ledger.report();
    const recording = await compareRecording(join(tapes.dir, 'tapes.db'), ledger);
    const verified = await runTapes(tapes, ['verify'], { timeoutMs: 300_000 });
    const warmUpSeconds = warmUpSecondsOf(minutes);
    const series = rulesFor(minutes).map((rule) => judgeSeries(pointsOf(watch.samples, rule.key), warmUpSeconds, rule));
    return {
      version: 1,
      minutes,
      seed,
      machine: `Node ${process.versions.node}, ${process.platform} ${arch()}, ${cpus().length} cores`,
      warmUpSeconds,
      ends,
      recording,
      series,
      samples: watch.samples,
      failures: [
        ...(exitCode === 0 ? [] : [`tapes proxy ended with ${exitCode}: ${stderr}`]),
        ...(/warning|lost|not recorded/.test(stderr) ? [`tapes proxy says: ${stderr}`] : []),
        ...(verified.exitCode === 0 ? [] : [`tapes verify exits with ${verified.exitCode}: ${verified.stdout}`]),
        ...findFailures(ends, recording, series),
      ],
    };
  } finally {
    proxy.kill('SIGKILL');
    await proxy.ended;
    await provider.close();
    tapes.remove();
  }
}

/** What does not hold, one sentence each. */
export function findFailures(
  ends: Pick<EndsReport, 'problemCount' | 'problems'>,
  recording: RecordingVerdict,
  series: readonly SeriesVerdict[],
): string[] {
  return [
    ...(ends.problemCount > 0 ? [`${ends.problemCount} times something passed other than it was sent`] : []),
    ...ends.problems,
    ...(recording.calls === 0 ? ['no call was looked up'] : []),
    ...(recording.lost > 0 ? [`${recording.lost} calls were lost`] : []),
    ...(recording.changed > 0 ? [`${recording.changed} calls were changed`] : []),
    ...(recording.dropped > 0 ? [`${recording.dropped} events were dropped`] : []),
    ...recording.problems,
    ...series
      .filter(({ isFlat }) => isFlat === false)
      .map(({ name, unit, slopePerHour }) => `${name}: grows by ${slopePerHour.toFixed(1)} ${unit} an hour`),
  ];
}

const pointsOf = (samples: readonly Sample[], key: keyof Sample) =>
  samples.flatMap((sample) => (sample[key] === null ? [] : [{ at: sample.at, value: sample[key] }]));
