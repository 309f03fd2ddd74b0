// Who else is at work meanwhile: readers of the recording, and agents under a `tapes intercept` of their own, with a dump, in the same home.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readRecordedCalls } from './compare-recording.ts';
import { answerTo, askHeader, interceptedHost, type Ask } from './ask.ts';
import { Conversation } from './conversation.ts';
import { sha256, type Ledger } from './ledger.ts';
import { rest } from './rest.ts';
import { run, start } from '../support/run.ts';
import { runTapes, tapesBin, type TapesHome } from '../support/tapes.ts';

export interface Bystanders {
  stop(): Promise<void>;
}

export interface BystanderOptions {
  readonly tapes: TapesHome;
  readonly ledger: Ledger;
  readonly routeArgs: readonly string[];
  readonly seed: number;
  /** Between two rounds of each. */
  readonly everyMs: number;
}

export function startBystanders(options: BystanderOptions): Bystanders {
  const stopping = new AbortController();
  const again = async (work: (round: number) => Promise<void>): Promise<void> => {
    for (let round = 1; !stopping.signal.aborted; round += 1) {
      await work(round).catch((error: unknown) => options.ledger.problem(`${work.name}: ${(error as Error).message}`));
      await rest(options.everyMs, stopping.signal);
    }
  };
  const running = [again((round) => read(options, round)), again((round) => runAgent(options, round))];
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function read({ tapes, ledger }: BystanderOptions, round: number): Promise<void> {
  // Until something is recorded, readers rightly say that nothing is.
  const recorded = await readRecordedCalls(join(tapes.dir, 'tapes.db')).catch(() => null);
  if (recorded === null || recorded.size === 0) return;
  for (const args of [['sessions'], ['stats', '--json'], ['runs']]) {
    const { exitCode, stderr } = await runTapes(tapes, args);
    if (exitCode !== 0) ledger.problem(`tapes ${args.join(' ')} exits with ${exitCode}: ${stderr}`);
    ledger.count(`tapes ${args[0]}`, 0);
  }
  await readOne(tapes, ledger, round);
  const tail = start(process.execPath, [tapesBin, 'tail', '--json'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1' },
  });
  await Promise.race([tail.said('\n'), tail.ended]);
  tail.kill('SIGINT');
  const { stdout, stderr, exitCode } = await tail.ended;
  if (!stdout.includes('\n')) ledger.problem(`tapes tail told nothing and exited with ${exitCode}: ${stderr}`);
  ledger.count('tapes tail', 0);
}

/** The bytes of a call that has ended, as a user asks for them while others are recorded. */
async function readOne(tapes: TapesHome, ledger: Ledger, round: number): Promise<void> {
  const recorded = await readRecordedCalls(join(tapes.dir, 'tapes.db'));
  const over = [...ledger.entries.values()].filter(
    ({ isOver, isCall, meant }) => isCall && isOver && meant === 'whole',
  );
  const entry = over[(round * 7919) % Math.max(1, over.length)];
  const [call] = recorded.get(entry?.id ?? '') ?? [];
  // It may have ended a blink ago; whether it is there in the end is asked at the end.
  if (entry === undefined || call?.status !== 'completed') return;
  const { stdout, exitCode, stderr } = await runTapes(tapes, ['raw', call.id, '--response']);
  if (exitCode !== 0) ledger.problem(`tapes raw exits with ${exitCode}: ${stderr}`);
  else if (!Buffer.from(stdout).equals(Buffer.from(entry.answer())))
    ledger.problem(`tapes raw ${call.id}: other bytes`);
  ledger.count('tapes raw', stdout.length);
}

async function runAgent({ tapes, ledger, routeArgs, seed }: BystanderOptions, round: number): Promise<void> {
  const id = ledger.newId();
  const ask: Ask = { type: 'events', seed: seed * 1_000 + round, words: 40, everyMs: 5 };
  const posted = await new Conversation(`session-${seed}-own-${round}`).next(id, ask.seed, true);
  const answer = (): Uint8Array => Buffer.concat(answerTo(ask));
  const decodedRequestSha256 = sha256(posted.decoded);
  const kind = 'call of a run of its own';
  const entry = ledger.begin({ id, kind, meant: 'whole', isCall: true, decodedRequestSha256, answer });
  const [bodyFile, headFile] = ['body', 'head'].map((name) => join(tapes.dir, `own-${round}.${name}`)) as [
    string,
    string,
  ];
  writeFileSync(bodyFile, posted.body);
  const fields = [...posted.headers, [askHeader, JSON.stringify(ask)] as const];
  writeFileSync(headFile, fields.map(([name, value]) => `${name}: ${value}\n`).join(''));
  const dump = join(tapes.dir, `own-${round}.har`);
  const curl = `curl -sS --no-buffer --cacert "$CODEX_CA_CERTIFICATE" -H @"$1" --data-binary @"$2" "https://${interceptedHost}${posted.path}"`;
  const { stdout, stderr, exitCode } = await run(
    process.execPath,
    [
      tapesBin,
      'intercept',
      '--agent',
      'codex',
      ...routeArgs,
      '--dump',
      dump,
      '--',
      'sh',
      '-c',
      curl,
      'sh',
      headFile,
      bodyFile,
    ],
    { env: { PATH: process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1' }, cwd: tapes.dir },
  );
  ledger.over(entry, posted.body, Buffer.from(stdout), exitCode === 0 ? null : `exit ${exitCode}: ${stderr}`);
  const har = existsSync(dump) ? (JSON.parse(readFileSync(dump, 'utf8')) as { log: { entries: unknown[] } }) : null;
  if (har?.log.entries.length !== 1) ledger.problem(`${kind} ${id}: its dump has ${har?.log.entries.length} exchanges`);
  for (const file of [bodyFile, headFile, dump]) rmSync(file, { force: true });
}
