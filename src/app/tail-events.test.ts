import { describe, expect, it } from 'vitest';

import type { ActiveCall } from '../store/index.ts';
import { TailMemory } from './tail-events.ts';

const begin = Date.UTC(2026, 10, 23, 12);
const at = (ms: number): string => new Date(begin + ms).toISOString();

const call = (changes: Partial<ActiveCall>): ActiveCall => ({
  id: 'call-1',
  shortId: 'call-1',
  sessionId: 'session-1',
  shortSessionId: 'session-',
  isBackground: false,
  threadId: 'thread-1',
  agentName: '/root',
  isSubThread: false,
  turn: { id: 'turn-1', prompt: 'list the files', startedAt: at(0) },
  kind: 'turn',
  attempt: 1,
  status: 'streaming',
  model: 'm',
  httpStatus: null,
  error: null,
  startedAt: at(0),
  endedAt: null,
  ttftMs: null,
  durationMs: null,
  inputItems: 3,
  newItems: 3,
  usage: null,
  toolOutputs: [],
  output: [],
  ...changes,
});
const answer = { hash: 'h', type: 'message', text: 'One file.' };
const ended = (changes: Partial<ActiveCall> = {}): ActiveCall =>
  call({ status: 'completed', endedAt: at(900), output: [answer], ...changes });

const typesOf = (events: readonly { readonly type: string }[]): string[] => events.map(({ type }) => type);

describe('a tail', () => {
  it('tells a turn, its calls, their answers and the results of tools, each once', () => {
    const memory = new TailMemory(begin);
    const next = call({
      id: 'call-2',
      startedAt: at(1000),
      toolOutputs: [{ hash: 'o', type: 'x_output', output: 'a' }],
    });

    expect(typesOf(memory.tell([call({})], at(1)))).toEqual(['turnStarted', 'callStarted']);
    expect(memory.hasOpenCalls).toBe(true);
    expect(memory.tell([call({})], at(2))).toEqual([]);
    expect(typesOf(memory.tell([ended(), next], at(1001)))).toEqual([
      'output',
      'callEnded',
      'toolOutput',
      'callStarted',
    ]);
    expect(memory.choose([ended(), next])).toEqual([]);
  });

  it('tells whole what came and went between two looks, by time', () => {
    const memory = new TailMemory(begin);
    const other = ended({ id: 'call-2', threadId: 'thread-2', startedAt: at(100), endedAt: at(200) });

    expect(memory.tell([ended(), other], at(2000)).map(({ type, at: when }) => [type, when])).toEqual(
      [
        ['turnStarted', at(0)],
        ['callStarted', at(0)],
        ['turnStarted', at(0)],
        ['callStarted', at(100)],
        ['output', at(200)],
        ['callEnded', at(200)],
        ['output', at(900)],
        ['callEnded', at(900)],
      ].toSorted(([, a], [, b]) => (a! < b! ? -1 : Number(a! > b!))),
    );
  });

  it('does not tell what was over before, but what was open', () => {
    const memory = new TailMemory(begin + 5000);
    const marks = [ended({ id: 'old' }), call({ id: 'open' })];
    memory.skipEnded(marks);

    expect(memory.choose(marks)).toEqual(['open']);
  });

  it('keeps quiet about what is not wanted, and does not ask for it again', () => {
    const memory = new TailMemory(begin);

    expect(memory.tell([call({})], at(1), () => false)).toEqual([]);
    expect(memory.choose([call({})])).toEqual([]);
  });

  it('forgets what ended long ago, and goes on asking for what is open', () => {
    const memory = new TailMemory(begin);
    memory.tell([call({ id: 'open' }), ended({ id: 'ended' })], at(900));
    memory.tell([ended({ id: 'later', startedAt: at(600_000) })], at(600_000));

    expect(memory.asking).toEqual({ since: at(540_000), ids: ['open'] });
  });

  it('says when it noticed the end of a call whose recorder died', () => {
    const events = new TailMemory(begin).tell([call({ status: 'interrupted' })], at(7000));

    expect(events.at(-1)).toMatchObject({ type: 'callEnded', status: 'interrupted', at: at(7000) });
  });
});
