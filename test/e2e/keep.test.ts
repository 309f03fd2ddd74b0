// A session of the real Codex moved to another machine through a pipe, with each of its bodies; then it is pruned where it came from.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { execCommand, startStandIn, text, toolCall } from '../support/chatgpt/index.ts';
import { makeCodexHome } from '../support/codex.ts';
import {
  findTexts,
  makeTapesHome,
  readCalls,
  readSessions,
  readShown,
  runCodex,
  runTapes,
  type TapesHome,
} from '../support/tapes.ts';

const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

async function readHashes(tapes: TapesHome, sessionId: string): Promise<string[]> {
  const hashes: string[] = [];
  for (const { id } of await readCalls(tapes, sessionId)) {
    for (const side of ['--request', '--response']) {
      hashes.push(`${id} ${side} ${sha256((await runTapes(tapes, ['raw', id, side])).stdout)}`);
    }
  }
  return hashes;
}

it(
  'a session is exported, imported elsewhere with the same ids and bytes, and pruned',
  { timeout: 120_000 },
  async () => {
    const standIn = await startStandIn({
      scenario: [toolCall({ input: execCommand('echo ONE') }), text('First done'), text('Second done')],
    });
    const codex = makeCodexHome();
    const [tapes, other] = [makeTapesHome(), makeTapesHome()];
    onTestFinished(async () => {
      await standIn.close();
      for (const { remove } of [codex, tapes, other]) remove();
    });
    const exec = ['exec', '--skip-git-repo-check'];
    for (const args of [
      [...exec, 'the first prompt'],
      [...exec, 'resume', '--last', 'the second prompt'],
    ]) {
      expect((await runCodex({ standIn, codex, tapes }, args)).exitCode).toBe(0);
    }
    const { session } = await readShown(tapes);

    const exported = await runTapes(tapes, ['export', session.id]);
    expect(exported).toMatchObject({ exitCode: 0, stderr: '' });
    const imported = await runTapes(other, ['import', '-'], { input: exported.stdout });
    expect(imported).toMatchObject({ exitCode: 0, stdout: '' });
    expect(imported.stderr).toContain('imported 3 calls of 1 session');

    expect(await readShown(other)).toEqual(await readShown(tapes));
    const hashes = await readHashes(tapes, session.id);
    expect(hashes).toHaveLength(6);
    expect(await readHashes(other, session.id)).toEqual(hashes);
    expect(findTexts(other.dir, { access: codex.tokens.accessToken, refresh: codex.tokens.refreshToken })).toEqual([]);

    // Everything is whole on both, and stays the same when it is derived again.
    for (const home of [tapes, other]) {
      expect((await runTapes(home, ['verify'])).exitCode).toBe(0);
      expect((await runTapes(home, ['rederive'])).exitCode).toBe(0);
      expect(await readHashes(home, session.id)).toEqual(hashes);
    }
    expect(await readShown(other)).toEqual(await readShown(tapes));

    const before = statSync(join(tapes.dir, 'tapes.db')).size;
    const pruned = await runTapes(tapes, ['prune', '--session', session.id]);
    expect(pruned.stdout).toMatch(/^removed 1 session, 3 calls, /);
    expect(statSync(join(tapes.dir, 'tapes.db')).size).toBeLessThan(before);
    expect((await readSessions(tapes)).map(({ id }) => id)).not.toContain(session.id);
  },
);
