// Many `tapes intercept` at once on one database, in a home that none has used before: each runs a shell that waits until all are
// there, then posts its calls with curl. Tells everything that is not as if each had been alone.
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../../src/store/connection.ts';
import { withLibrary } from '../../src/store/index.ts';
import { startStandIn, text } from './chatgpt/index.ts';
import { start } from './run.ts';
import { interceptArgs, makeTapesHome } from './tapes.ts';

export interface AtOnce {
  /** What was lost, refused or said; empty: nothing. */
  readonly wrong: readonly string[];
  /** Until the last process stood ready, its interceptor listening. */
  readonly readyMs: number;
  /** From then until the last process has ended. */
  readonly callsMs: number;
}

const url = 'https://chatgpt.com/backend-api/codex/responses';
// What all requests share, as instructions are: every process wants to store the same item.
const instructions = 'Answer in few words, and say what you have done. '.repeat(400);

export async function runAtOnce(processes: number, callsEach: number, timeoutMs: number): Promise<AtOnce> {
  const standIn = await startStandIn({ scenario: () => text('Hello from the stand-in') });
  const tapes = makeTapesHome();
  try {
    const bodies = new Map<string, string>();
    for (let process = 0; process < processes; process++) {
      for (let call = 0; call < callsEach; call++) {
        const body = bodyOf(`process ${process} call ${call}`);
        writeFileSync(join(tapes.dir, `body-${process}-${call}`), body);
        bodies.set(createHash('sha256').update(body).digest('hex'), body);
      }
    }
    const startedAt = performance.now();
    const running = Array.from({ length: processes }, (_, process) =>
      start(globalThis.process.execPath, interceptArgs({ standIn }, ['sh', '-c', scriptOf(process, callsEach)]), {
        env: { PATH: globalThis.process.env['PATH'] ?? '', HOME: tapes.dir, TAPES_HOME: tapes.dir, NO_COLOR: '1' },
        cwd: tapes.dir,
        timeoutMs,
      }),
    );
    await Promise.all(running.map(({ said }) => said('ready')));
    const readyMs = performance.now() - startedAt;
    writeFileSync(join(tapes.dir, 'go'), '');
    const results = await Promise.all(running.map(({ ended }) => ended));
    const callsMs = performance.now() - startedAt - readyMs;
    const wrong: string[] = [];
    for (const [process, { exitCode, stdout, stderr }] of results.entries()) {
      const answers = stdout.match(/^event: response\.completed/gm)?.length ?? 0;
      if (exitCode !== 0 || answers !== callsEach) {
        wrong.push(`process ${process} exits with ${exitCode} after ${answers} answers: ${stderr}`);
      }
      const said = new RegExp(`^tapes: recorded ${callsEach} calls? in ${callsEach} turns? of .*\n$`);
      if (!said.test(stderr)) wrong.push(`process ${process} says: ${stderr}`);
    }
    wrong.push(...(await checkDatabase(join(tapes.dir, 'tapes.db'), bodies, processes)));
    return { wrong, readyMs, callsMs };
  } finally {
    await standIn.close();
    tapes.remove();
  }
}

function bodyOf(prompt: string): string {
  return JSON.stringify({
    model: 'gpt-test',
    stream: true,
    instructions,
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }],
  });
}

function scriptOf(process: number, callsEach: number): string {
  const post = `curl -sS --cacert "$CODEX_CA_CERTIFICATE" -H 'content-type: application/json'`;
  return [
    'echo ready',
    'while [ ! -e go ]; do sleep 0.1; done',
    ...Array.from({ length: callsEach }, (_, call) => `${post} --data-binary @body-${process}-${call} ${url}`),
  ].join('; ');
}

async function checkDatabase(file: string, bodies: ReadonlyMap<string, string>, processes: number): Promise<string[]> {
  if (!existsSync(file)) return ['there is no database'];
  const { runs, calls, check } = await readAll(file);
  const wrong: string[] = [];
  if (runs.length !== processes) wrong.push(`${runs.length} of ${processes} runs ended with nothing lost`);
  if (JSON.stringify(check) !== '{"integrity_check":"ok"}') wrong.push(JSON.stringify(check));
  const missing = new Map(bodies);
  await withLibrary(file, async (library) => {
    for (const { id, hash } of calls) {
      const body = bodies.get(hash);
      if (!missing.delete(hash)) wrong.push(`call ${id} is none that was made, or is there twice`);
      const parts: Uint8Array[] = [];
      for await (const part of (await library.readBody(id, 'request')) ?? []) parts.push(part);
      if (Buffer.concat(parts).toString() !== body) wrong.push(`the request of call ${id} is not what was sent`);
    }
  });
  if (missing.size > 0) wrong.push(`${missing.size} of ${bodies.size} calls are missing`);
  return wrong;
}

async function readAll(file: string): Promise<{
  runs: readonly unknown[];
  calls: readonly { readonly id: string; readonly hash: string }[];
  check: unknown;
}> {
  const connection = await Connection.open(file, 'read');
  try {
    return {
      runs: await connection.all(
        "SELECT id FROM runs WHERE ended_at IS NOT NULL AND exit_code = 0 AND dropped = 0 AND problems = '[]'",
      ),
      calls: await connection.all(
        `SELECT calls.id, decoded_sha256 AS hash FROM calls JOIN bodies ON call_id = calls.id AND side = 'request'
        WHERE status = 'completed' AND total_tokens IS NOT NULL`,
      ),
      check: await connection.get('PRAGMA integrity_check'),
    };
  } finally {
    await connection.close();
  }
}
