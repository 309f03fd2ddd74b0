// What `tapes intercept` adds to one `codex exec`: Codex alone and Codex under tapes in turn, on the same transport (the upgrade
// refused, HTTPS), against the same stand-in. Prints a table for bench/README.md.
//   npm run build && npx tsx bench/codex-overhead.ts [pairs]
import { arch, cpus, platform } from 'node:os';
import { startStandIn, text } from '../test/support/chatgpt/index.ts';
import { makeCodexHome, runCodexDirect } from '../test/support/codex.ts';
import { makeTapesHome, runCodex, runTapes } from '../test/support/tapes.ts';
import { run } from '../test/support/run.ts';
import { tapesBin } from '../test/support/tapes.ts';

const pairs = Number(process.argv[2] ?? 10);
const exec = ['exec', '--skip-git-repo-check', 'say hello'];
const standIn = await startStandIn({ scenario: () => text('Hello there'), websocket: 'refuse-426' });
const codex = makeCodexHome();
const tapes = makeTapesHome();

async function time(what: () => Promise<{ durationMs: number; exitCode: number | null }>): Promise<number> {
  const { durationMs, exitCode } = await what();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
  return durationMs;
}

const alone = (): Promise<number> => time(() => runCodexDirect(standIn, exec, { home: codex }));
const under = (): Promise<number> => time(() => runCodex({ standIn, codex, tapes }, exec));
const plainTrue = (): Promise<number> =>
  time(() =>
    run(process.execPath, [tapesBin, 'intercept', '--quiet', '--', 'true'], {
      env: { PATH: process.env['PATH'] ?? '', TAPES_HOME: tapes.dir, HOME: tapes.dir },
    }),
  );
const help = (): Promise<number> => time(() => runTapes(tapes, ['--help']));
const sessions = (): Promise<number> => time(() => runTapes(tapes, ['sessions']));

function describe(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return `${at(0)} | ${at(0.5)} | ${at(1)}`;
}

try {
  for (const warmUp of [alone, under, plainTrue, help, sessions]) await warmUp();
  const measured = {
    alone: [] as number[],
    under: [] as number[],
    added: [] as number[],
    plainTrue: [] as number[],
    help: [] as number[],
    sessions: [] as number[],
  };
  for (let pair = 0; pair < pairs; pair++) {
    const [a, b] = [await alone(), await under()];
    measured.alone.push(a);
    measured.under.push(b);
    measured.added.push(b - a);
    measured.plainTrue.push(await plainTrue());
    measured.help.push(await help());
    measured.sessions.push(await sessions());
    process.stderr.write(`\r${pair + 1}/${pairs}`);
  }
  process.stderr.write('\n');
  process.stdout.write(
    `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}, ${pairs} pairs, ms\n\n` +
      `| what | min | median | max |\n| --- | --- | --- | --- |\n` +
      `| \`codex exec\` alone | ${describe(measured.alone)} |\n` +
      `| \`tapes intercept -- codex exec\` | ${describe(measured.under)} |\n` +
      `| added, pair by pair | ${describe(measured.added)} |\n` +
      `| \`tapes intercept -- true\` | ${describe(measured.plainTrue)} |\n` +
      `| \`tapes --help\` | ${describe(measured.help)} |\n` +
      `| \`tapes sessions\` | ${describe(measured.sessions)} |\n`,
  );
} finally {
  await standIn.close();
  codex.remove();
  tapes.remove();
}
