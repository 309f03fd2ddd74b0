// Branches as a reader sees them, of what a recorder made: the cases of the chain itself are in derive/branches.test.ts.
import { expect, test } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import {
  assistantMessage,
  codexRequest,
  completed,
  created,
  plainAnswer,
  requestHead,
  userMessage,
} from '../../../test/support/wire-script.ts';
import type { WireScript } from '../../../test/support/wire-script.ts';
import { withLibrary } from '../library.ts';

async function readBranches(
  write: (script: WireScript) => unknown,
  session?: string,
): Promise<{ threads: number; branches: (string | null)[][] }> {
  const { dbFile } = await recordScript(write);
  const { threads } = await withLibrary(dbFile, async (library) =>
    library.readSession(session ?? (await library.listSessions({ limit: 1, all: true }))[0]!.id),
  );
  const calls = threads.flatMap((thread) => thread.turns).flatMap((turn) => turn.calls);
  const branches = calls.flatMap(({ id, branch }) =>
    branch === undefined ? [] : [[id, branch.reason, branch.fromCallId]],
  );
  return { threads: threads.length, branches };
}

test('a client that sends nothing but items: an edited prompt is a branch of its thread, a retry is none', async () => {
  const say = (role: string, text: string): object => ({ type: 'message', role, content: [{ type: 'text', text }] });
  const ask = (...input: object[]): string => JSON.stringify({ model: 'gpt-5', input });
  const opened = [say('developer', 'be brief'), say('user', 'one'), say('assistant', 'first')];

  const found = await readBranches((script) =>
    script
      .post('one', {}, ask(...opened.slice(0, 2)))
      .answer('one', plainAnswer('first', 'resp_1'))
      .post('two', {}, ask(...opened, say('user', 'two')))
      .head('two')
      .abort('two', 'upstream', { code: 'ECONNRESET', message: 'reset by peer' })
      .post('two again', {}, ask(...opened, say('user', 'two')))
      .answer('two again', plainAnswer('second', 'resp_2'))
      .post('edited', {}, ask(...opened, say('user', 'another two')))
      .answer('edited', plainAnswer('other', 'resp_3'))
      .post('on', {}, ask(...opened, say('user', 'another two'), say('assistant', 'other'), say('user', 'three')))
      .answer('on', plainAnswer('third', 'resp_4')),
  );
  expect(found).toEqual({ threads: 1, branches: [['edited', 'edit', 'one']] });
});

test('a branch is found where the conversation was resumed by another run, too, and in each thread by itself', async () => {
  const asked = [userMessage('one', 'turn-1', 'msg_1'), assistantMessage('First.', 'msg_a')];
  const { dbFile } = await recordScript((script) =>
    script
      .call('c1', { turn: 'turn-1', input: asked.slice(0, 1) })
      .answer('c1', plainAnswer('First.', 'a'))
      .call('child', { thread: 'thread-child', turn: 'turn-child', metadata: { parent_thread_id: 'session-aaaa-1' } })
      .answer('child', plainAnswer('Child.', 'resp_c'))
      .call('c2', { turn: 'turn-2', input: [...asked, userMessage('two', 'turn-2', 'msg_2')] })
      .answer('c2', plainAnswer('Second.', 'resp_2')),
  );
  const later = Date.UTC(2026, 10, 24);
  await recordScript(
    (script) =>
      script
        .call('c3', { turn: 'turn-3', input: [...asked, userMessage('two, but other', 'turn-3', 'msg_3')] })
        .answer('c3', plainAnswer('Third.', 'resp_3')),
    { dbFile, run: { id: 'run-2', startedAt: later }, at: later },
  );

  const { threads } = await withLibrary(dbFile, (library) => library.readSession('session-aaaa-1'));
  const calls = threads.flatMap((thread) => thread.turns).flatMap((turn) => turn.calls);
  expect(Object.fromEntries(calls.map(({ id, branch }) => [id, branch]))).toEqual({
    c1: undefined,
    c2: undefined,
    c3: { reason: 'edit', fromCallId: 'c1' },
    child: undefined,
  });
});

test('over a WebSocket, where only what is new is sent, nothing is taken for a branch', async () => {
  const { headers } = codexRequest({ session: 'session-ws' });
  const found = await readBranches((script) => {
    const message = (from: 'agent' | 'upstream', event: object): unknown =>
      script.wait(5).add({
        type: 'socketMessage',
        exchangeId: 'ws',
        from,
        isBinary: false,
        data: new TextEncoder().encode(JSON.stringify(event)),
      });
    script.add({
      type: 'socketOpened',
      exchangeId: 'ws',
      request: requestHead({ method: 'GET', scheme: 'wss', headers }),
      response: { status: 101, reason: '', headers: [] },
    });
    for (const [at, previous] of [null, 'resp_0', 'resp_1'].entries()) {
      const turn = `turn-${at}`;
      const body = previous === null ? {} : { previous_response_id: previous };
      const { body: request } = codexRequest({ session: 'session-ws', turn, input: [userMessage('on', turn)], body });
      message('agent', { type: 'response.create', ...request });
      for (const event of [created(`resp_${at}`), completed(`resp_${at}`)]) message('upstream', event);
    }
  }, 'session-ws');
  expect(found).toEqual({ threads: 1, branches: [] });
});
