// Threads and turns of the real Codex under `tapes intercept`: resumed sessions, compactions, sub-agents, reviews; and what the
// commands that look at them say while and after they run.
import { afterEach, describe, expect, it } from 'vitest';
import type { Call, Thread } from '../../src/domain/index.ts';
import {
  compaction,
  cutAfter,
  execCommand,
  spawnAgent,
  startStandIn,
  text,
  together,
  toolCall,
  waitAgent,
  type Answer,
  type StandInOptions,
} from '../support/chatgpt/index.ts';
import { makeCodexHome, type CodexHomeOptions } from '../support/codex.ts';
import { start } from '../support/run.ts';
import {
  makeTapesHome,
  readSessions,
  readShown,
  readTurns,
  runCodex,
  runTapes,
  sceneEnv,
  tapesBin,
  type Scene,
} from '../support/tapes.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function set(options: StandInOptions = {}, login: CodexHomeOptions = {}): Promise<Scene> {
  const standIn = await startStandIn(options);
  const codex = makeCodexHome(login);
  const tapes = makeTapesHome();
  closing.push(() => standIn.close(), codex.remove, tapes.remove);
  return { standIn, codex, tapes };
}

const exec = (...args: string[]): string[] => ['exec', '--skip-git-repo-check', ...args];
const resume = (prompt: string): string[] => exec('resume', '--last', prompt);

async function runAll(scene: Scene, ...runs: readonly string[][]): Promise<void> {
  for (const args of runs) expect((await runCodex(scene, args)).exitCode).toBe(0);
}

const kindsOf = (calls: readonly Call[]): string[] =>
  calls.map(({ kind, attempt, status }) => `${kind} ${attempt} ${status}`);

interface Context {
  readonly call: { readonly id: string };
  readonly pieces: readonly { readonly type: string; readonly state: string | null }[];
  readonly previous: {
    readonly call: { readonly id: string };
    readonly relation: string;
    readonly change: string;
    readonly sharedBytes: number;
    readonly bodyBytes: number;
    readonly sharedItems: number;
  } | null;
}

async function readContext(scene: Scene, call: Call | undefined): Promise<Context> {
  const { stdout, stderr, exitCode } = await runTapes(scene.tapes, ['context', call?.id ?? 'last', '--json']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as Context;
}

/** How many items of a context are in each state. */
function countStates({ pieces }: Context): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of pieces) if (state !== null) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

describe('a session of several turns', () => {
  it('that is resumed goes on in the same thread, and its context grows by what is new', async () => {
    const scene = await set({
      scenario: [
        toolCall({ input: execCommand('echo ONE') }),
        text('First done'),
        cutAfter(4, text('This is cut short')),
        text('Second done'),
        text('Third done'),
      ],
    });
    await runAll(scene, exec('the first prompt'), resume('the second prompt'), resume('the third prompt'));

    const { session, threads } = await readShown(scene.tapes);
    expect(session).toMatchObject({ threads: 1, turns: 3, calls: 5, status: 'completed' });
    const turns = threads[0]!.turns;
    expect(turns.map(({ prompt, status, calls }) => [prompt, status, kindsOf(calls)])).toEqual([
      ['the first prompt', 'completed', ['turn 1 completed', 'turn 1 completed']],
      ['the second prompt', 'completed', ['turn 1 truncated', 'turn 2 completed']],
      ['the third prompt', 'completed', ['turn 1 completed']],
    ]);
    const calls = turns.flatMap((turn) => turn.calls);
    expect(calls[0]!.output[0]!.output).toContain('ONE');
    // The tool's result; the new prompt; of a retry nothing.
    expect(calls.slice(1).map(({ newItems }) => newItems)).toEqual([1, 1, 0, 1]);

    // The model's own items come back with their ids and other bytes; to a reader they are not new.
    const second = await readContext(scene, calls[1]);
    expect(countStates(second)).toEqual({ kept: calls[0]!.inputItems, answer: 1, new: 1 });
    expect(second.previous).toMatchObject({ change: 'appended', sharedItems: calls[0]!.inputItems });
    const retry = await readContext(scene, calls[3]);
    expect(retry.previous).toMatchObject({ call: { id: calls[2]!.id }, change: 'none' });
    const third = await readContext(scene, calls[4]);
    expect(third.previous).toMatchObject({ call: { id: calls[3]!.id }, relation: 'thread', change: 'appended' });
    expect(third.previous!.sharedBytes).toBeGreaterThan(0.9 * third.previous!.bodyBytes);

    const shown = await runTapes(scene.tapes, ['show', 'last', '--turn', '2']);
    expect(shown.stdout).toContain('› the second prompt');
    expect(shown.stdout).toContain('attempt 2');
    expect(shown.stdout).not.toMatch(/the first prompt|Third done/);
    const diff = await runTapes(scene.tapes, ['diff', calls[3]!.id, calls[4]!.id]);
    expect(diff.stdout).toContain(`Items  ${calls[3]!.inputItems} kept, 2 added, 0 removed, 0 changed`);
    expect(diff.stdout).toMatch(/ {2}\+ #\d+ user, \d+ bytes: the third prompt\n/);
  });
});

describe('a fork', () => {
  it('is a session of its own, whose context goes on from the old one', async () => {
    const scene = await set({ scenario: [text('First done'), text('Fork done'), text('Second done')] });
    await runAll(scene, exec('the first prompt'));
    const [old] = await readSessions(scene.tapes);
    await runAll(scene, exec('fork', old!.id, 'the forked prompt'), exec('resume', old!.id, 'the second prompt'));

    const sessions = await readSessions(scene.tapes);
    expect(sessions).toHaveLength(2);
    const fork = sessions.find(({ id }) => id !== old!.id)!;
    const promptsOf = async (id: string): Promise<unknown[]> =>
      (await readTurns(scene.tapes, id)).map(({ prompt }) => prompt);
    expect(await promptsOf(old!.id)).toEqual(['the first prompt', 'the second prompt']);
    expect(await promptsOf(fork.id)).toEqual(['the forked prompt']);

    const [first] = (await readTurns(scene.tapes, old!.id))[0]!.calls;
    const context = await readContext(scene, (await readTurns(scene.tapes, fork.id))[0]!.calls[0]);
    expect(context.previous).toMatchObject({ relation: 'forkedFrom', call: { id: first!.id }, change: 'appended' });
    expect(countStates(context)).toEqual({ kept: first!.inputItems, answer: 1, new: 1 });

    expect((await readShown(scene.tapes, fork.id)).threads).toMatchObject([{ forkedFromThreadId: old!.id }]);
    const shown = (await runTapes(scene.tapes, ['show', fork.id])).stdout;
    expect(shown).toContain(`  ↳ branch: forked from ${old!.id}\n\n› the forked prompt\n`);
    expect((await runTapes(scene.tapes, ['show', old!.id])).stdout).not.toContain('branch');
  });
});

describe('a compaction', () => {
  const large = { usage: { inputTokens: 250_000, totalTokens: 250_100 } };
  const limit = { config: ['model_auto_compact_token_limit = 20000'] };
  const compacting = (answers: Answer[]): Pick<StandInOptions, 'aside'> => ({
    aside: (call) => (call.kind === 'compaction' ? (answers.shift() ?? compaction()) : null),
  });

  it('in mid-turn is a call of the turn, and loses the prefix', async () => {
    const scene = await set(
      { scenario: [toolCall({ input: execCommand('echo ONE') }, large), text('Done'), text('On')], ...compacting([]) },
      limit,
    );
    await runAll(scene, exec('the first prompt'), resume('the second prompt'));

    const turns = await readTurns(scene.tapes);
    expect(turns.map(({ prompt, calls }) => [prompt, kindsOf(calls)])).toEqual([
      ['the first prompt', ['turn 1 completed', 'compaction 1 completed', 'turn 1 completed']],
      ['the second prompt', ['turn 1 completed']],
    ]);
    const [first, compact, after] = turns[0]!.calls;
    expect(compact!.output.map(({ type }) => type)).toEqual(['compaction']);
    // Until it is compacted, the conversation only grows.
    const before = await readContext(scene, compact);
    expect(before.previous).toMatchObject({ call: { id: first!.id }, change: 'appended' });
    expect(before.pieces.at(-1)).toMatchObject({ type: 'compaction_trigger', state: 'new' });
    // Behind it the opening has new ids: not a single item is there in its bytes, but to a reader all are.
    const context = await readContext(scene, after);
    expect(context.previous).toMatchObject({ call: { id: compact!.id }, change: 'compaction', sharedItems: 0 });
    expect(context.previous!.sharedBytes).toBeLessThan(200);
    expect(countStates(context)).toEqual({ kept: after!.inputItems - 1, answer: 1 });
    // The next turn goes on from there.
    expect((await readContext(scene, turns[1]!.calls[0])).previous).toMatchObject({ change: 'appended' });

    const calls = turns.flatMap((turn) => turn.calls);
    expect(calls.flatMap(({ id, branch }) => (branch === undefined ? [] : [[id, branch]]))).toEqual([
      [after!.id, { reason: 'compaction', fromCallId: compact!.id }],
    ]);
    const shown = (await runTapes(scene.tapes, ['show'])).stdout;
    expect(shown).toMatch(/\n {2}↳ branch: goes on from the summary of [0-9a-f]+\n\nDone\n/);
    expect(shown).toMatch(/the conversation so far was replaced by a summary[^]* · compaction · [^]*\n\nDone\n/);
    const said = (await runTapes(scene.tapes, ['context', after!.id])).stdout;
    expect(said).toContain('the conversation was compacted');
    expect(said).toMatch(/^Cached there +40 of 100 input tokens/m);
  });

  it('at the start of a turn comes before its prompt is sent, and may be retried', async () => {
    const scene = await set(
      { scenario: [text('First', large), text('Second')], ...compacting([cutAfter(1, compaction())]) },
      limit,
    );
    await runAll(scene, exec('the first prompt'), resume('the second prompt'));

    const turns = await readTurns(scene.tapes);
    expect(turns.map(({ prompt, calls }) => [prompt, kindsOf(calls)])).toEqual([
      ['the first prompt', ['turn 1 completed']],
      ['the second prompt', ['compaction 1 truncated', 'compaction 2 completed', 'turn 1 completed']],
    ]);
  });
});

describe('sub-agents', () => {
  const agents = (answers: Readonly<Record<string, Answer[]>>): Pick<StandInOptions, 'aside'> => ({
    aside: (call) => answers[String(call.metadata['agent_name'])]?.shift() ?? null,
  });

  it('are threads under the thread that started them, each with turns of its own', async () => {
    const scene = await set({
      // Its children's last words come to the root in clear.
      scenario: ({ text: sent }, index) => {
        if (index === 0) return together(spawnAgent('one', 'do one'), spawnAgent('two', 'do two'));
        return sent.includes('One is done') && sent.includes('Two is done') ? text('Both') : waitAgent();
      },
      ...agents({
        '/root/one': [spawnAgent('deep', 'go deep'), waitAgent(), text('One is done')],
        '/root/two': [cutAfter(4, text('Two is cut off')), text('Two is done')],
        '/root/one/deep': [text('Deep is done')],
      }),
    });
    await runAll(scene, exec('delegate it'));

    const { session, threads } = await readShown(scene.tapes);
    expect(session).toMatchObject({ threads: 4, turns: 4, status: 'completed' });
    const named = (name: string): Thread => threads.find(({ agentName }) => agentName === name)!;
    const [root, one, two, deep] = ['/root', '/root/one', '/root/two', '/root/one/deep'].map(named) as [
      Thread,
      Thread,
      Thread,
      Thread,
    ];
    expect([root, one, two, deep].map(({ parentThreadId }) => parentThreadId)).toEqual([
      null,
      root.id,
      root.id,
      one.id,
    ]);
    expect(root.id).toBe(session.id);
    expect([root, one, two, deep].map(({ turns }) => turns.map(({ calls }) => kindsOf(calls)))).toEqual([
      [expect.arrayContaining(['turn 1 completed'])],
      [['turn 1 completed', 'turn 1 completed', 'turn 1 completed']],
      [['turn 1 truncated', 'turn 2 completed']],
      [['turn 1 completed']],
    ]);
    // One agent's retry is none of another's.
    expect(root.turns[0]!.calls.map(({ attempt }) => attempt)).toEqual(root.turns[0]!.calls.map(() => 1));
    expect(root.turns[0]!.prompt).toBe('delegate it');
    expect(root.turns[0]!.calls[0]!.output.map(({ name, output }) => [name, output])).toEqual([
      ['spawn_agent', '{"task_name":"/root/one"}'],
      ['spawn_agent', '{"task_name":"/root/two"}'],
    ]);

    // A child begins with a copy of its parent's conversation.
    const context = await readContext(scene, one.turns[0]!.calls[0]);
    expect(context.previous).toMatchObject({ relation: 'parentThread' });
    expect(context.previous!.sharedItems).toBeGreaterThanOrEqual(root.turns[0]!.calls[0]!.inputItems);

    const shown = await runTapes(scene.tapes, ['show', '--thread', '/root/one/deep']);
    expect(shown.stdout).toContain('Deep is done');
    expect(shown.stdout).not.toMatch(/delegate it|One is done/);
    expect((await runTapes(scene.tapes, ['show'])).stdout).toContain(
      'Thread /root/one/deep · sub-agent of /root/one\n',
    );
  });

  it('are told by tail while they work, which ends with Ctrl-C', async () => {
    const scene = await set({
      scenario: [spawnAgent('one', 'do one'), waitAgent(), text('All done')],
      ...agents({ '/root/one': [text('One is done')] }),
    });
    const tail = start(process.execPath, [tapesBin, 'tail'], { env: sceneEnv(scene) });
    await tail.said('nothing has been recorded yet; waiting for ', 'stderr');
    await runAll(scene, exec('delegate it'));
    await tail.said('All done');
    tail.kill('SIGINT');
    const { stdout, exitCode, signal } = await tail.ended;

    expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: null });
    const [session] = await readSessions(scene.tapes);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, ''));
    expect(lines.filter((line) => !session!.id.startsWith(line.split(' ')[0]!))).toEqual([]);
    const said = lines.map((line) => line.replace(/^\S+/, ''));
    expect(said[0]).toBe('  › delegate it');
    expect(said).toContainEqual(expect.stringMatching(/^ {2}→ [0-9a-f]{8} · gpt-6\.1-sol · \d items, \d new$/));
    expect(said).toContain('  ● spawn_agent {"task_name":"one","message":"do one"}');
    expect(said).toContain('  └ {"task_name":"/root/one"}');
    expect(said).toContain(' /root/one  One is done');
    expect(said).toContainEqual(
      expect.stringMatching(/^ {2}← [0-9a-f]{8} · .* · 100 in \(40 cached\), 12 out · ttft \d+ ms$/),
    );
  });
});

describe('a review', () => {
  it('is a thread of its own kind, and the session is known by it', async () => {
    const findings = { findings: [], overall_correctness: 'patch is correct', overall_explanation: 'It is fine' };
    const scene = await set({ scenario: [text(JSON.stringify({ ...findings, overall_confidence_score: 0.9 }))] });
    await runAll(scene, ['exec', 'review', '--uncommitted']);

    const { session, threads } = await readShown(scene.tapes);
    expect(
      threads.map(({ parentThreadId, turns }) => [parentThreadId, turns.map(({ calls }) => kindsOf(calls))]),
    ).toEqual([[session.id, [['review 1 completed']]]]);
    expect((await runTapes(scene.tapes, ['show'])).stdout).toContain('Thread /root · review\n');
    expect((await runTapes(scene.tapes, ['sessions'])).stdout).toContain('Review the current code changes');
  });
});
