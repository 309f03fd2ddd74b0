// How long questions take on a database of 100,000 calls: each is a process of its own, from its start to its end, as one types it.
// Prints a table for bench/README.md; exits 1 where a median is above the limit.
//   npm run build && npx tsx bench/questions.ts [runs] [sessions]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { arch, cpus, loadavg, platform, tmpdir } from 'node:os';
import { join } from 'node:path';

import { tapesBin } from '../test/support/tapes.ts';
import { commonWord, makeRecording, rareWord } from './make-recording.ts';

const limitMs = 300;
const [runs, sessions] = [Number(process.argv[2] ?? 15), Number(process.argv[3] ?? 500)];
const size = { sessions, turnsPerSession: 50, callsPerTurn: 4 };
const home = mkdtempSync(join(tmpdir(), 'tapes-questions-'));
const dbFile = join(home, 'tapes.db');

const env = { PATH: process.env['PATH'] ?? '', TAPES_HOME: home, HOME: home };

function ask(words: readonly string[]): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tapesBin, ...words], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(performance.now() - start);
      else reject(new Error(`tapes ${words.join(' ')} ended with ${code}`));
    });
  });
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

try {
  const began = performance.now();
  await makeRecording(dbFile, size);
  const calls = sessions * size.turnsPerSession * size.callsPerTurn;
  process.stderr.write(`${calls} calls made in ${Math.round((performance.now() - began) / 1000)} s\n`);
  const listed = execFileSync(process.execPath, [tapesBin, 'sessions', '--json', '--limit', '20'], { env });
  const session = (JSON.parse(listed.toString()) as { id: string }[]).at(-1)!.id;
  const questions = [
    ['--version'],
    ['sessions'],
    ['sessions', '--json'],
    ['show', session],
    ['show', session, '--json'],
    ['search', rareWord],
    ['search', commonWord],
    ['search', commonWord, 'parser', 'socket'],
    ['search', 'the file reads'],
    ['search', commonWord, '--session', session],
    ['search', rareWord, '--since', '2026-11-01'],
    ['search', commonWord, '--type', 'message', '--role', 'user'],
    ['stats'],
    ['stats', '--json', '--limit', '1000'],
    ['stats', '--since', '2026-11-01'],
    ['stats', '--agent', 'codex'],
  ];
  const times = questions.map((): number[] => []);
  for (const words of questions) await ask(words);
  // In turn, so that a busy moment of the machine is everybody's.
  for (let run = 0; run < runs; run++) {
    for (const [at, words] of questions.entries()) times[at]!.push(await ask(words));
    process.stderr.write(`\r${run + 1}/${runs}`);
  }
  process.stderr.write('\n');
  const rows = questions.map((words, at) => {
    const name = words.map((word) => (word === session ? '01a2…' : word.includes(' ') ? `"${word}"` : word)).join(' ');
    const [fastest, median, slowest] = [Math.min(...times[at]!), medianOf(times[at]!), Math.max(...times[at]!)];
    return `| \`tapes ${name}\` | ${Math.round(fastest)} | ${Math.round(median)} | ${Math.round(slowest)} |`;
  });
  process.stdout.write(
    `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]!.toFixed(1)}, Node ${process.versions.node}, ` +
      `${calls.toLocaleString('en-US')} calls in ${sessions} sessions, ${Math.round(statSync(dbFile).size / 1e6)} MB, ${runs} runs, ms\n\n` +
      `| question | min | median | max |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`,
  );
  if (times.some((list) => medianOf(list) > limitMs)) process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
