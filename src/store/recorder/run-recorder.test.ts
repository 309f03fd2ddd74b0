import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { freshDatabase, openRunRecorder, recordScript } from '../../../test/support/record-script.ts';
import {
  assistantMessage,
  codexRequest,
  completed,
  created,
  itemDone,
  opening,
  plainAnswer,
  requestHead,
  sse,
  textDelta,
  userMessage,
  WireScript,
} from '../../../test/support/wire-script.ts';
import type { Call } from '../../domain/index.ts';
import { withLibrary } from '../library.ts';
import type { RecordedSession } from '../queries/read-session.ts';

const sessionId = 'session-aaaa-1';
const turnId = 'turn-aaaa-1';

const readBack = (dbFile: string, id = sessionId): Promise<RecordedSession> =>
  withLibrary(dbFile, (library) => library.readSession(id));

const callsOf = (recorded: RecordedSession): readonly Call[] =>
  recorded.threads.flatMap((thread) => thread.turns.flatMap((turn) => turn.calls));

async function readText(dbFile: string, callId: string, side: 'request' | 'response'): Promise<string | null> {
  return withLibrary(dbFile, async (library) => {
    const body = await library.readBody(callId, side);
    if (body === null) return null;
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    return Buffer.concat(parts).toString();
  });
}

const toolCall = {
  id: 'ctc_1',
  type: 'custom_tool_call',
  status: 'completed',
  call_id: 'call_1',
  name: 'exec',
  input: 'text(await run("ls"))',
};
const toolOutput = {
  type: 'custom_tool_call_output',
  id: 'ctco_1',
  call_id: 'call_1',
  output: [{ type: 'input_text', text: 'README.md\n' }],
};

describe('a call over HTTPS', () => {
  test('a plain answer is one call of one turn, with usage, timings, sizes and hashes', async () => {
    const { dbFile, report } = await recordScript((script) =>
      script.call('ex-1').wait(40).answer('ex-1', plainAnswer('Three files.')),
    );

    const { session, threads } = await readBack(dbFile);
    const [call] = threads[0]!.turns[0]!.calls;
    expect(session).toMatchObject({
      id: sessionId,
      agent: 'codex',
      agentVersion: '0.169.0',
      cwd: '/home/dev/project',
      status: 'completed',
      threads: 1,
      turns: 1,
      calls: 1,
      models: ['gpt-6.1-sol'],
      firstPrompt: 'list the files',
      usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 12, reasoningTokens: 5, totalTokens: 112 },
    });
    expect(threads[0]).toMatchObject({ id: sessionId, parentThreadId: null, agentName: '/root' });
    expect(threads[0]!.turns[0]).toMatchObject({ id: turnId, prompt: 'list the files', status: 'completed' });
    expect(call).toMatchObject({
      id: 'ex-1',
      exchangeId: 'ex-1',
      turnId,
      kind: 'turn',
      attempt: 1,
      transport: 'https',
      status: 'completed',
      model: 'gpt-6.1-sol',
      responseId: 'resp_1',
      httpStatus: 200,
      error: null,
      startedAt: '2026-11-23T12:00:00.000Z',
      // created and added are no tokens: the first delta came 30 ms after the answer began.
      ttftMs: 70,
      durationMs: 101,
      inputItems: 3,
      newItems: 3,
      output: [{ type: 'message', role: 'assistant', text: 'Three files.' }],
    });
    expect(call!.requestSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(call!.requestBytes).toBe(JSON.stringify(codexRequest({}).body).length);
    expect(report).toEqual({
      calls: 1,
      turns: 1,
      backgroundCalls: 0,
      exchanges: 1,
      sessions: [{ id: sessionId, shortId: 'session-a' }],
      usage: session.usage,
      dropped: 0,
      problems: [],
    });
  });

  test('both bodies are given back byte for byte', async () => {
    const answer = plainAnswer('Grüße, 世界 🙂');
    const { dbFile } = await recordScript((script) => script.call('ex-1').answer('ex-1', answer));

    expect(await readText(dbFile, 'ex-1', 'request')).toBe(JSON.stringify(codexRequest({}).body));
    expect(await readText(dbFile, 'ex-1', 'response')).toBe(answer.map(sse).join(''));
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('a %s answer is decoded as it streams, and both its hashes are kept', async (encoding, compress) => {
    const text = plainAnswer('Squeezed.').map(sse).join('');
    const bytes = compress(Buffer.from(text));
    const { dbFile } = await recordScript((script) => {
      script.call('ex-1').head('ex-1', { headers: [['content-encoding', encoding]] });
      for (const byte of bytes) script.data('ex-1', Uint8Array.of(byte));
      script.end('ex-1');
    });

    const [call] = callsOf(await readBack(dbFile));
    expect(call).toMatchObject({ status: 'completed', responseBytes: text.length });
    expect(call!.responseSha256).not.toBe(call!.responseWireSha256);
    expect(await readText(dbFile, 'ex-1', 'response')).toBe(text);
  });

  test('a request body that cannot be decoded is kept as bytes with the reason, and its call is placed by its headers', async () => {
    const { headers } = codexRequest({});
    const { dbFile } = await recordScript((script) =>
      script
        .post('ex-1', { headers: [...headers, ['content-encoding', 'zstd']] }, 'this is no zstd frame')
        .answer('ex-1', plainAnswer('All the same.')),
    );

    const [call] = callsOf(await readBack(dbFile));
    const exchange = await withLibrary(dbFile, (library) => library.readExchangeOf('ex-1'));
    expect(call).toMatchObject({ turnId, status: 'completed', inputItems: 0 });
    expect(exchange?.request).toMatchObject({ contentEncoding: 'zstd', wireBytes: 21 });
    expect(exchange?.request?.problem).toMatch(/^zstd: /);
  });

  test('a tool call is shown with the result that the next call sends', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .answer('ex-1', [created(), itemDone(toolCall), completed()])
        .wait(500)
        .call('ex-2', { input: [...opening(turnId), userMessage('list the files', turnId), toolCall, toolOutput] })
        .answer('ex-2', plainAnswer('One file.', 'resp_2')),
    );

    const recorded = await readBack(dbFile);
    const [first, second] = callsOf(recorded);
    expect(recorded.session).toMatchObject({ turns: 1, calls: 2 });
    expect(first!.output).toMatchObject([
      { type: 'custom_tool_call', name: 'exec', callId: 'call_1', arguments: toolCall.input, output: 'README.md\n' },
    ]);
    expect(second).toMatchObject({ attempt: 1, inputItems: 5, newItems: 1 });
  });

  test('a call_id that comes again keeps each result with its own call', async () => {
    const again = { ...toolCall, id: 'ctc_2' };
    const history = [...opening(turnId), userMessage('list the files', turnId), toolCall, toolOutput];
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .answer('ex-1', [created(), itemDone(toolCall), completed()])
        .call('ex-2', { input: history })
        .answer('ex-2', [created('resp_2'), itemDone(again), completed('resp_2')])
        .call('ex-3', { input: [...history, again, { ...toolOutput, id: 'ctco_2', output: 'another' }] })
        .answer('ex-3', plainAnswer('Done.', 'resp_3')),
    );

    const calls = callsOf(await readBack(dbFile));
    expect(calls.map((call) => call.output[0]?.output)).toEqual(['README.md\n', 'another', undefined]);
  });

  test('an error answer is a failed call with the provider’s code and message, and the rate limits of its headers', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .head('ex-1', {
          status: 429,
          headers: [
            ['content-type', 'application/json'],
            ['x-codex-primary-used-percent', '100'],
            ['x-codex-primary-window-minutes', '300'],
          ],
        })
        .data('ex-1', '{"error":{"type":"usage_limit_reached","message":"You have reached your limit."}}')
        .end('ex-1'),
    );

    const [call] = callsOf(await readBack(dbFile));
    expect(call).toMatchObject({
      status: 'failed',
      httpStatus: 429,
      error: { code: 'usage_limit_reached', message: 'You have reached your limit.' },
      rateLimits: { primary: { usedPercent: 100, windowMinutes: 300 } },
      ttftMs: null,
      usage: null,
    });
  });

  test('an answer that begins before the request is complete is kept', async () => {
    const { headers, body } = codexRequest({});
    const bytes = Buffer.from(JSON.stringify(body));
    const { dbFile, report } = await recordScript((script) =>
      script
        .add({ type: 'requestStarted', exchangeId: 'ex-1', request: requestHead({ headers }) })
        .add({ type: 'requestData', exchangeId: 'ex-1', data: bytes.subarray(0, 100) })
        .head('ex-1', { status: 401 })
        .data('ex-1', '{"error":{"code":"token_expired","message":"again"}}')
        .add({ type: 'requestData', exchangeId: 'ex-1', data: bytes.subarray(100) })
        .add({ type: 'requestEnded', exchangeId: 'ex-1' })
        .end('ex-1'),
    );

    const [call] = callsOf(await readBack(dbFile));
    expect(report.problems).toEqual([]);
    expect(call).toMatchObject({ status: 'failed', httpStatus: 401, error: { code: 'token_expired' }, inputItems: 3 });
    expect(await readText(dbFile, 'ex-1', 'request')).toBe(bytes.toString());
  });

  test('a stream cut by the provider is truncated, one that the agent leaves is aborted; both keep what came', async () => {
    const { dbFile } = await recordScript((script) => {
      for (const [id, by] of [
        ['ex-1', 'upstream'],
        ['ex-2', 'agent'],
      ] as const) {
        script
          .call(id, { turn: `turn-${id}` })
          .head(id)
          .data(id, sse(created()) + sse(textDelta('Half a ')))
          .abort(id, by, by === 'upstream' ? { code: 'ECONNRESET', message: 'reset by peer' } : null);
      }
    });

    const [cut, left] = callsOf(await readBack(dbFile));
    expect(cut).toMatchObject({
      status: 'truncated',
      error: { code: 'ECONNRESET', message: 'reset by peer' },
      output: [{ text: 'Half a ' }],
    });
    expect(left).toMatchObject({ status: 'aborted', output: [{ text: 'Half a ' }] });
  });

  test('what is still open when the recorder is closed is interrupted', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .head('ex-1')
        .data('ex-1', sse(textDelta('So far'))),
    );

    const { session, threads } = await readBack(dbFile);
    expect(session.status).toBe('interrupted');
    expect(threads[0]!.turns[0]!.calls[0]).toMatchObject({ status: 'interrupted', output: [{ text: 'So far' }] });
  });

  test('an answer above the merge limit stays in its chunks and is given back whole', async () => {
    const filler = sse({
      type: 'response.output_text.delta',
      item_id: 'msg_a1',
      output_index: 0,
      delta: 'x'.repeat(65_000),
    });
    const count = 270;
    const { dbFile } = await recordScript((script) => {
      script.call('ex-1').head('ex-1');
      for (let at = 0; at < count; at++) script.data('ex-1', filler);
      script.data('ex-1', sse(completed())).end('ex-1');
    });

    const [call] = callsOf(await readBack(dbFile));
    expect(call!.status).toBe('completed');
    expect(await readText(dbFile, 'ex-1', 'response')).toBe(filler.repeat(count) + sse(completed()));
  });
});

describe('turns, attempts and threads', () => {
  test('a retry of the same request counts up, and a new request begins again', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .head('ex-1')
        .data('ex-1', sse(created()))
        .abort('ex-1', 'upstream')
        .call('ex-2')
        .answer('ex-2', [
          created(),
          { type: 'response.failed', response: { error: { code: 'server_error', message: 'x' } } },
        ])
        .call('ex-3')
        .answer('ex-3', [created(), itemDone(toolCall), completed()])
        .call('ex-4', { input: [...opening(turnId), userMessage('list the files', turnId), toolCall, toolOutput] })
        .answer('ex-4', plainAnswer('Done.')),
    );

    const recorded = await readBack(dbFile);
    expect(callsOf(recorded).map(({ status, attempt }) => [status, attempt])).toEqual([
      ['truncated', 1],
      ['failed', 2],
      ['completed', 3],
      ['completed', 1],
    ]);
    expect(recorded.threads[0]!.turns).toMatchObject([{ status: 'completed' }]);
  });

  test('a retry that brings back an item of the cut answer is a retry', async () => {
    const done = assistantMessage('I will look.', 'msg_part');
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .head('ex-1')
        .data('ex-1', sse(created()) + sse(itemDone(done)))
        .abort('ex-1', 'upstream')
        .call('ex-2', { input: [...opening(turnId), userMessage('list the files', turnId), done] })
        .answer('ex-2', plainAnswer('Found.')),
    );

    expect(callsOf(await readBack(dbFile)).map(({ attempt, newItems }) => [attempt, newItems])).toEqual([
      [1, 3],
      [2, 0],
    ]);
  });

  test('a prewarm belongs to the turn that follows, and makes no turn of its own', async () => {
    const dbFile = await freshDatabase();
    const prewarm = (script: WireScript): WireScript =>
      script
        .call('ex-0', { kind: 'prewarm', turn: '', input: [] })
        .answer('ex-0', [created('resp_0'), completed('resp_0')])
        .wait(60_000);
    await recordScript(prewarm, { dbFile });
    const before = await readBack(dbFile);
    await recordScript((script) => script.wait(120_000).call('ex-1').answer('ex-1', plainAnswer('Hello.')), {
      dbFile,
      run: { id: 'run-2' },
    });
    const after = await readBack(dbFile);

    expect(before.session).toMatchObject({ turns: 0, calls: 1 });
    expect(before.threads[0]!.turns).toMatchObject([
      { id: `${sessionId}.next`, prompt: null, calls: [{ kind: 'prewarm' }] },
    ]);
    expect(after.session).toMatchObject({ turns: 1, calls: 2 });
    expect(after.threads[0]!.turns).toMatchObject([
      { id: turnId, startedAt: '2026-11-23T12:02:00.000Z', calls: [{ id: 'ex-0', turnId }, { id: 'ex-1' }] },
    ]);
  });

  test('a prewarm that is still open when its turn begins keeps the turn', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-0', { kind: 'prewarm', turn: '', input: [] })
        .call('ex-1')
        .answer('ex-1', plainAnswer('Hello.'))
        .answer('ex-0', [created('resp_0'), completed('resp_0')]),
    );

    expect((await readBack(dbFile)).threads[0]!.turns).toMatchObject([
      { id: turnId, calls: [{ id: 'ex-0' }, { id: 'ex-1' }] },
    ]);
  });

  test('a sub-agent is a thread of its parent’s session', async () => {
    const { dbFile } = await recordScript((script) =>
      script
        .call('ex-1')
        .call('ex-2', {
          thread: 'thread-child',
          turn: 'turn-child',
          metadata: { parent_thread_id: sessionId, agent_name: '/root/task_one', subagent_kind: 'thread_spawn' },
          prompt: 'count them',
        })
        .answer('ex-2', plainAnswer('Three.', 'resp_2'))
        .answer('ex-1', plainAnswer('Three files.')),
    );

    const { session, threads } = await readBack(dbFile);
    expect(session).toMatchObject({ threads: 2, turns: 2, calls: 2, firstPrompt: 'list the files' });
    expect(threads).toMatchObject([
      { id: sessionId, parentThreadId: null, agentName: '/root', turns: [{ id: turnId }] },
      { id: 'thread-child', parentThreadId: sessionId, agentName: '/root/task_one', turns: [{ id: 'turn-child' }] },
    ]);
  });

  test('a title request is a hidden session of its own, and its answer is the title of the session it is about', async () => {
    const title = plainAnswer('{"title":"List the files"}', 'resp_t');
    const { dbFile, report } = await recordScript((script) =>
      script
        .call('ex-t', {
          session: 'session-title',
          turn: 'turn-title',
          metadata: { thread_source: 'thread_title' },
          prompt: 'Make a title.\n\nUser prompt:\nlist the files',
        })
        .answer('ex-t', title)
        .call('ex-1')
        .answer('ex-1', plainAnswer('Three files.')),
    );

    const list = (all: boolean): Promise<unknown> =>
      withLibrary(dbFile, (library) => library.listSessions({ limit: 10, all }));
    expect(await list(false)).toMatchObject([{ id: sessionId, title: 'List the files', kind: 'user' }]);
    expect(await list(true)).toMatchObject([{ id: sessionId }, { id: 'session-title', kind: 'title', title: null }]);
    expect(report).toMatchObject({ calls: 1, turns: 1, backgroundCalls: 1, sessions: [{ id: sessionId }] });
    expect(report.usage.totalTokens).toBe(112);
  });

  test('a session that goes on in a later run knows what is new', async () => {
    const dbFile = await freshDatabase();
    await recordScript((script) => script.call('ex-1').answer('ex-1', plainAnswer('Three files.')), { dbFile });
    const answered = assistantMessage('Three files.', 'msg_resp_1');
    await recordScript(
      (script) =>
        script
          .wait(3_600_000)
          .call('ex-2', {
            turn: 'turn-2',
            input: [
              ...opening(turnId),
              userMessage('list the files', turnId),
              answered,
              userMessage('and now?', 'turn-2'),
            ],
          })
          .answer('ex-2', plainAnswer('The same.', 'resp_2')),
      { dbFile, run: { id: 'run-2' } },
    );

    const { session, threads } = await readBack(dbFile);
    expect(session).toMatchObject({ turns: 2, calls: 2, startedAt: '2026-11-23T12:00:00.000Z' });
    expect(threads[0]!.turns.map(({ prompt }) => prompt)).toEqual(['list the files', 'and now?']);
    expect(callsOf({ session, threads, shortIds: new Map() })[1]).toMatchObject({ inputItems: 5, newItems: 1 });
  });

  test('a client that sends no ids gets a session from its cache key and turns from its prompts', async () => {
    const ask = (prompt: string, history: object[] = []): string =>
      JSON.stringify({
        model: 'gpt-5',
        prompt_cache_key: 'conversation-7',
        input: [...history, { type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }],
      });
    const history = [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'one' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'first' }] },
    ];
    const { dbFile } = await recordScript((script) =>
      script
        .post('ex-1', {}, ask('one'))
        .answer('ex-1', plainAnswer('first'))
        .post('ex-2', {}, ask('two', history))
        .answer('ex-2', plainAnswer('second', 'resp_2'))
        .post('ex-3', {}, '{"model":"gpt-5","input":"no key at all"}')
        .answer('ex-3', plainAnswer('third', 'resp_3')),
    );

    expect((await readBack(dbFile, 'conversation-7')).threads[0]!.turns.map(({ prompt }) => prompt)).toEqual([
      'one',
      'two',
    ]);
    expect((await readBack(dbFile, 'run-1')).threads[0]!.turns.map(({ prompt }) => prompt)).toEqual(['no key at all']);
  });

  test('conversations of a client that sends nothing but items are told apart by their items', async () => {
    const say = (role: string, text: string): object => ({
      type: 'message',
      role,
      content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }],
    });
    const ask = (...input: object[]): string => JSON.stringify({ model: 'gpt-5', input });
    const rules = say('developer', 'Be kind.');
    const [one, two] = [say('user', 'one'), say('user', 'two')];
    const { dbFile } = await recordScript((script) => {
      // Two conversations with the same rules, at the same time; the second is tried again, goes on, and then branches.
      script.post('a-1', {}, ask(rules, one)).post('b-1', {}, ask(rules, two));
      script.answer('a-1', plainAnswer('first', 'resp_a1')).head('b-1', { status: 500 }).end('b-1');
      script.post('b-2', {}, ask(rules, two)).answer('b-2', plainAnswer('second', 'resp_b2'));
      const answered = [rules, two, say('assistant', 'second')];
      script.post('b-3', {}, ask(...answered, say('user', 'more'))).answer('b-3', plainAnswer('third', 'resp_b3'));
      script.post('b-4', {}, ask(...answered, say('user', 'else'))).answer('b-4', plainAnswer('fourth', 'resp_b4'));
      // The same words once more begin another conversation; only new items go on from the response that they name.
      script.post('c-1', {}, ask(rules, one)).answer('c-1', plainAnswer('again', 'resp_c1'));
      const incremental = { model: 'gpt-5', previous_response_id: 'resp_a1', input: [say('user', 'go on')] };
      script.post('a-2', {}, JSON.stringify(incremental)).answer('a-2', plainAnswer('on', 'resp_a2'));
    });

    const { session, threads } = await readBack(dbFile, 'run-1');
    const placed = threads.map(({ id, turns }) => [
      id,
      turns.map(({ prompt, calls }) => [
        prompt,
        ...calls.map((call) => `${call.id} ${call.attempt} +${call.newItems}`),
      ]),
    ]);
    expect(session).toMatchObject({ threads: 3, calls: 7 });
    expect(placed).toEqual([
      [
        'run-1',
        [
          ['one', 'a-1 1 +2'],
          ['go on', 'a-2 1 +1'],
        ],
      ],
      [
        'run-1.2',
        [
          ['two', 'b-1 1 +2', 'b-2 2 +0'],
          ['more', 'b-3 1 +1'],
          ['else', 'b-4 1 +1'],
        ],
      ],
      ['run-1.3', [['one', 'c-1 1 +2']]],
    ]);
  });
});

describe('other exchanges', () => {
  test('a request that is no model call keeps its sizes, status and headers, and no body', async () => {
    const { dbFile, report } = await recordScript((script) =>
      script
        .post('ex-1', { method: 'GET', path: '/backend-api/codex/models?client_version=1' }, '')
        .head('ex-1', { status: 404, reason: 'Not Found' })
        .data('ex-1', 'nothing here')
        .end('ex-1')
        .post('ex-2', { path: '/backend-api/codex/analytics-events/events' }, 'x'.repeat(5000))
        .head('ex-2')
        .end('ex-2'),
    );

    expect(report).toMatchObject({ calls: 0, exchanges: 2, sessions: [] });
    expect(await withLibrary(dbFile, (library) => library.listRuns({ limit: 5, all: false }))).toMatchObject([
      { id: 'run-1', calls: 0, exchanges: 2, status: 'ended', exitCode: 0 },
    ]);
    expect(await readText(dbFile, 'ex-1', 'response')).toBeNull();
  });

  test('a refused upgrade is an exchange of its own', async () => {
    const { report } = await recordScript((script) =>
      script.add({
        type: 'upgradeRefused',
        exchangeId: 'ex-1',
        status: 426,
        request: requestHead({ method: 'GET', scheme: 'wss' }),
      }),
    );

    expect(report).toMatchObject({ exchanges: 1, calls: 0, problems: [] });
  });

  test('events behind the end of an exchange are ignored, those without a beginning are counted', async () => {
    const { report } = await recordScript((script) =>
      script.call('ex-1').answer('ex-1', plainAnswer('Hi.')).end('ex-1').data('ex-9', 'lost').end('ex-9'),
    );

    expect(report).toMatchObject({
      calls: 1,
      dropped: 2,
      problems: ['the recorder failed (an exchange whose beginning was not recorded): 2 events lost'],
    });
  });
});

describe('a relayed WebSocket', () => {
  const create = (script: WireScript, request: object, exchangeId = 'ws'): WireScript =>
    script.add({
      type: 'socketMessage',
      exchangeId,
      from: 'agent',
      isBinary: false,
      data: Buffer.from(JSON.stringify({ type: 'response.create', ...request })),
    });
  const tell = (script: WireScript, events: readonly object[], exchangeId = 'ws'): WireScript => {
    for (const event of events) {
      const data = Buffer.from(JSON.stringify(event));
      script.wait(10).add({ type: 'socketMessage', exchangeId, from: 'upstream', isBinary: false, data });
    }
    return script;
  };

  test('each response.create is a call, and its answer ends with the terminal event', async () => {
    const handshake = codexRequest({ kind: 'prewarm', turn: '' });
    const { dbFile, report } = await recordScript((script) => {
      script.add({
        type: 'socketOpened',
        exchangeId: 'ws',
        request: requestHead({ method: 'GET', scheme: 'wss', headers: handshake.headers }),
        response: { status: 101, reason: 'Switching Protocols', headers: [] },
      });
      create(script, { ...handshake.body, input: [], generate: false });
      tell(script, [created('resp_0'), completed('resp_0')]).wait(100);
      create(script, { ...codexRequest({}).body, previous_response_id: 'resp_0' });
      tell(script, [created(), itemDone(toolCall), completed()]).wait(100);
      create(script, { ...codexRequest({}).body, previous_response_id: 'resp_1', input: [toolOutput] });
      tell(script, plainAnswer('One file.', 'resp_2'));
      create(script, {
        ...codexRequest({ turn: 'turn-2' }).body,
        previous_response_id: 'resp_2',
        input: [userMessage('more', 'turn-2')],
      });
      tell(script, [created('resp_3'), textDelta('Half')]);
      script.add({ type: 'socketClosed', exchangeId: 'ws', code: null, reason: '' });
    });

    const { session, threads } = await readBack(dbFile);
    const calls = callsOf({ session, threads, shortIds: new Map() });
    expect(report).toMatchObject({ calls: 4, turns: 2, exchanges: 1, problems: [] });
    expect(calls.map(({ id, kind, transport, status, newItems }) => [id, kind, transport, status, newItems])).toEqual([
      ['ws.1', 'prewarm', 'websocket', 'completed', 0],
      ['ws.2', 'turn', 'websocket', 'completed', 3],
      ['ws.3', 'turn', 'websocket', 'completed', 1],
      ['ws.4', 'turn', 'websocket', 'aborted', 1],
    ]);
    expect(threads[0]!.turns.map(({ prompt }) => prompt)).toEqual(['list the files', 'more']);
    expect(calls[1]!.output[0]).toMatchObject({ callId: 'call_1', output: 'README.md\n' });
    expect(calls[3]!.output).toMatchObject([{ text: 'Half' }]);
    expect(await readText(dbFile, 'ws.1', 'response')).toBe(
      `${JSON.stringify(created('resp_0'))}\n${JSON.stringify(completed('resp_0'))}\n`,
    );
  });

  test('the full request that follows a dropped socket is no new conversation', async () => {
    const { dbFile } = await recordScript((script) => {
      const open = (exchangeId: string): WireScript =>
        script.add({
          type: 'socketOpened',
          exchangeId,
          request: requestHead({ method: 'GET', scheme: 'wss' }),
          response: { status: 101, reason: '', headers: [] },
        });
      open('ws');
      create(script, codexRequest({}).body);
      tell(script, [created(), itemDone(toolCall), completed()]);
      create(script, { ...codexRequest({}).body, previous_response_id: 'resp_1', input: [toolOutput] });
      script.add({ type: 'socketClosed', exchangeId: 'ws', code: 1011, reason: 'try again' });
      open('ws-b');
      const input = [...opening(turnId), userMessage('list the files', turnId), toolCall, toolOutput];
      create(script, codexRequest({ input }).body, 'ws-b');
      tell(script, plainAnswer('One file.', 'resp_2'), 'ws-b');
    });

    const calls = callsOf(await readBack(dbFile));
    expect(calls.map(({ id, status, attempt, newItems }) => [id, status, attempt, newItems])).toEqual([
      ['ws.1', 'completed', 1, 3],
      ['ws.2', 'truncated', 1, 1],
      ['ws-b.1', 'completed', 2, 0],
    ]);
  });

  test('a socket elsewhere is counted and its messages are not kept', async () => {
    const { report } = await recordScript((script) => {
      script.add({
        type: 'socketOpened',
        exchangeId: 'ws',
        request: requestHead({ method: 'GET', scheme: 'wss', path: '/realtime' }),
        response: { status: 101, reason: '', headers: [] },
      });
      create(script, { model: 'x' });
      tell(script, [{ type: 'whatever' }]).add({ type: 'socketClosed', exchangeId: 'ws', code: 1000, reason: '' });
    });

    expect(report).toMatchObject({ calls: 0, exchanges: 1, problems: [] });
  });
});

describe('while the agent still runs', () => {
  test('another reader sees the running call and what has come of it, within the time it is promised', async () => {
    const dbFile = await freshDatabase();
    const recorder = openRunRecorder(dbFile);
    // Both are in one thread here: neither can wait for the other's lock.
    await recorder.ready;
    const script = new WireScript()
      .call('ex-1')
      .head('ex-1')
      .data('ex-1', sse(created()) + sse(textDelta('So far')));
    for (const event of script.events) recorder.push(event);
    const pushed = performance.now();
    let seen: Call | undefined;
    while (seen?.output[0]?.text !== 'So far') {
      expect(performance.now() - pushed).toBeLessThan(2000);
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen = await readBack(dbFile).then(
        (recorded) => callsOf(recorded)[0],
        () => undefined,
      );
    }
    const [session] = await withLibrary(dbFile, (library) => library.listSessions({ limit: 5, all: false }));
    const [run] = await withLibrary(dbFile, (library) => library.listRuns({ limit: 5, all: false }));

    expect(seen).toMatchObject({ status: 'streaming', durationMs: null, responseBytes: expect.any(Number) as number });
    expect(session).toMatchObject({ status: 'streaming', endedAt: null });
    expect(run).toMatchObject({ status: 'running', endedAt: null });
    expect(await readText(dbFile, 'ex-1', 'response')).toBe(sse(created()) + sse(textDelta('So far')));
    await recorder.close();
  });

  test('two recorders at once on one database lose nothing', async () => {
    const dbFile = await freshDatabase();
    const record = (run: string): Promise<unknown> =>
      recordScript(
        (script) => {
          for (let at = 0; at < 20; at++) {
            const id = `${run}-${at}`;
            script.call(id, { session: `session-${run}`, turn: `turn-${id}` }).answer(id, plainAnswer(`Answer ${at}.`));
          }
        },
        { dbFile, run: { id: run } },
      );
    const reports = await Promise.all(['a', 'b', 'c', 'd'].map(record));

    expect(reports).toMatchObject(
      Array.from({ length: 4 }, () => ({ report: { calls: 20, dropped: 0, problems: [] } })),
    );
    const sessions = await withLibrary(dbFile, (library) => library.listSessions({ limit: 10, all: false }));
    expect(sessions.map(({ calls, turns }) => [calls, turns])).toEqual(Array.from({ length: 4 }, () => [20, 20]));
  });
});
