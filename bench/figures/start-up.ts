// What a user waits for: how long commands of tapes take from being typed to their end, in a home that has a root and no recording.
import { run } from '../../test/support/run.ts';
import { makeTapesHome, runTapes, tapesBin, type TapesHome } from '../../test/support/tapes.ts';
import { percentile } from '../report/statistics.ts';
import type { Figure } from './figure.ts';

const wall = { unit: 'ms', digits: 0, better: 'lower' } as const;

export const startUp: Figure = {
  name: 'startup',
  peers: ['tapes'],
  isPinned: false,
  rows: [
    { ...wall, key: 'startup-intercept', label: '`tapes intercept -- true`', limits: [{ type: 'atMost', value: 350 }] },
    { ...wall, key: 'startup-help', label: '`tapes --help`', limits: [{ type: 'atMost', value: 120 }] },
    {
      ...wall,
      key: 'startup-sessions',
      label: '`tapes sessions`, none recorded',
      limits: [{ type: 'atMost', value: 180 }],
    },
    { ...wall, key: 'startup-node', label: '… of which an empty Node program takes' },
  ],
  async measure({ scale }) {
    const used = makeTapesHome();
    const empty = makeTapesHome();
    const intercept = (home: TapesHome): Promise<Timed> =>
      run(process.execPath, [tapesBin, 'intercept', '--quiet', '--', 'true'], {
        env: { PATH: process.env['PATH'] ?? '', TAPES_HOME: home.dir, HOME: home.dir },
      });
    try {
      // It makes the root and the database, once in a user's life.
      await intercept(used);
      return {
        'startup-intercept': await time(() => intercept(used), scale.starts),
        'startup-help': await time(() => runTapes(empty, ['--help']), scale.starts),
        'startup-sessions': await time(() => runTapes(used, ['sessions']), scale.starts),
        'startup-node': await time(
          () => run(process.execPath, ['--eval', '0'], { env: { PATH: process.env['PATH'] ?? '' } }),
          scale.starts,
        ),
      };
    } finally {
      used.remove();
      empty.remove();
    }
  },
};

interface Timed {
  readonly durationMs: number;
  readonly exitCode: number | null;
  readonly stderr: string;
}

async function time(what: () => Promise<Timed>, times: number): Promise<number> {
  const durations: number[] = [];
  for (let at = 0; at < times; at++) {
    const { durationMs, exitCode, stderr } = await what();
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
    durations.push(durationMs);
  }
  return percentile(durations, 0.5);
}
