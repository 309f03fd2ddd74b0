// The status of a call against its definition in docs/cli.md, for seeded scripts of what may happen to an exchange: any answer, cut at any
// byte into any chunks, ended or left open by anybody at any point, before the request is complete too, many exchanges at once.
import { gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { cutIntoChunks, randomInt, seededRandom } from '../../../test/support/chunks.ts';
import { recordScript } from '../../../test/support/record-script.ts';
import {
  assistantMessage,
  codexRequest,
  completed,
  created,
  itemDone,
  requestHead,
  textDelta,
} from '../../../test/support/wire-script.ts';
import type { CallStatus, WireEvent } from '../../domain/index.ts';
import { Connection } from '../connection.ts';
import { withLibrary } from '../library.ts';

type Said = 'completed' | 'incomplete' | 'failed';
type Unstamped = Record<string, unknown> & { readonly type: WireEvent['type'] };

/** An answer as bytes, and at which byte the provider has said how it ended: with the last byte of that JSON. */
interface Answer {
  readonly bytes: Buffer;
  readonly saidAt: number;
  readonly said: Said | null;
}

interface Case {
  readonly id: string;
  readonly events: readonly Unstamped[];
  readonly expected: CallStatus;
  /** Decoded. */
  readonly passed: Buffer;
}

interface Facts {
  readonly httpStatus: number | null;
  readonly said: Said | null;
  readonly endedBy: 'itself' | 'agent' | 'upstream' | 'tapes' | 'nobody';
}

/** docs/cli.md, word by word. */
function statusByDefinition({ httpStatus, said, endedBy }: Facts): CallStatus {
  // "failed (the provider said so, an HTTP error included)"
  if (httpStatus !== null && httpStatus >= 400) return 'failed';
  // "completed", "incomplete (the model stopped early)": what was said first holds, whoever hangs up later.
  if (said !== null) return said;
  switch (endedBy) {
    case 'agent':
      return 'aborted'; // "the agent hung up"
    case 'itself':
    case 'upstream':
      return 'truncated'; // "the stream ended without a terminal event"
    case 'tapes':
    case 'nobody':
      return 'interrupted'; // "tapes died", or was closed while the answer still streamed
  }
}

const response = (status: string, more: object = {}): object => ({ id: 'resp_1', object: 'response', status, ...more });
const error = { code: 'server_error', message: 'Broken.' };

const terminals: readonly { readonly said: Said; readonly event: object }[] = [
  { said: 'completed', event: completed() },
  {
    said: 'incomplete',
    event: {
      type: 'response.incomplete',
      response: response('incomplete', { incomplete_details: { reason: 'max_output_tokens' } }),
    },
  },
  { said: 'failed', event: { type: 'response.failed', response: response('failed', { error }) } },
  { said: 'failed', event: { type: 'error', ...error } },
];
const others: readonly object[] = [
  textDelta('Grüße 世界 🙂 '),
  itemDone(assistantMessage('Done with "response.completed".')),
  { type: 'response.in_progress', response: response('in_progress') },
  { type: 'response.something.new', more: [1, 2] },
];
const junk = [': a comment', 'data: not json', 'retry: 10', 'data: [1]', 'id: 7'];

function anyStream(random: () => number): Answer {
  const pick = <T>(from: readonly T[]): T => from[randomInt(random, 0, from.length - 1)]!;
  const eol = pick(['\n', '\n', '\r\n']);
  const named = random() < 0.8;
  let text = '';
  let [saidAt, said]: [number, Said | null] = [Infinity, null];
  const add = (event: object, ends: Said | null): void => {
    const name = named ? `event: ${(event as { type: string }).type}${eol}` : '';
    text += `${name}data: ${JSON.stringify(event)}`;
    if (ends !== null && said === null) [saidAt, said] = [Buffer.byteLength(text), ends];
    text += eol + eol;
  };
  add(created(), null);
  for (let count = randomInt(random, 0, 5); count > 0; count--) {
    if (random() < 0.2) text += pick(junk) + eol + eol;
    else add(pick(others), null);
  }
  // Most end once; some never, some twice, and the first word counts.
  for (let count = pick([0, 1, 1, 1, 1, 2]); count > 0; count--) {
    const { said: ends, event } = pick(terminals);
    add(event, ends);
  }
  return { bytes: Buffer.from(text), saidAt, said };
}

/** An answer that is no stream. */
function anyDocument(random: () => number): Answer {
  const documents: readonly { readonly said: Said | null; readonly json: object }[] = [
    { said: 'completed', json: response('completed', { output: [assistantMessage('Hello 世界')] }) },
    { said: 'incomplete', json: response('incomplete', { output: [] }) },
    { said: 'failed', json: response('failed', { output: [], error }) },
    { said: 'failed', json: { error } },
    { said: null, json: { detail: null, other: 'nothing that is known' } },
  ];
  const { said, json } = documents[randomInt(random, 0, documents.length - 1)]!;
  const bytes = Buffer.from(JSON.stringify(json));
  return { bytes, said, saidAt: bytes.length };
}

function anyCase(id: string, seed: number): Case {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[randomInt(random, 0, from.length - 1)]!;
  const answer = random() < 0.8 ? anyStream(random) : anyDocument(random);
  const cutAt = random() < 0.4 ? answer.bytes.length : randomInt(random, 0, answer.bytes.length);
  const passed = answer.bytes.subarray(0, cutAt);
  // A packed answer is sent whole: where its cut falls in the decoded bytes is for the decoder's own tests.
  const isPacked = cutAt === answer.bytes.length && cutAt > 0 && random() < 0.2;
  const wire = isPacked ? gzipSync(passed) : passed;
  const httpStatus = pick([200, 200, 200, 200, 200, 400, 429, 503]);

  const { headers, body } = codexRequest({ session: `session-${id}`, turn: `turn-${id}` });
  const request: Unstamped[] = [
    { type: 'requestStarted', exchangeId: id, request: requestHead({ headers }) },
    ...cutIntoChunks(Buffer.from(JSON.stringify(body)), seed, 4000).map((data): Unstamped => ({
      type: 'requestData',
      exchangeId: id,
      data,
    })),
  ];
  const ended: Unstamped = { type: 'requestEnded', exchangeId: id };
  const reply: Unstamped[] = [
    {
      type: 'responseStarted',
      exchangeId: id,
      response: { status: httpStatus, reason: '', headers: isPacked ? [['Content-Encoding', 'gzip']] : [] },
    },
    ...cutIntoChunks(wire, seed, pick([1, 7, 60, 5000])).map((data): Unstamped => ({
      type: 'responseData',
      exchangeId: id,
      data,
    })),
  ];
  // The provider may answer before it has the whole request; and an exchange may break before there is any answer.
  const isEarly = random() < 0.15;
  const hasReply = random() < 0.9;
  const endedBy = pick(['itself', 'agent', 'agent', 'upstream', 'tapes', 'nobody'] as const);
  const endings: Readonly<Record<typeof endedBy, readonly Unstamped[]>> = {
    itself: [{ type: 'responseEnded', exchangeId: id }],
    agent: [{ type: 'exchangeAborted', exchangeId: id, by: 'agent', error: null }],
    upstream: [{ type: 'exchangeAborted', exchangeId: id, by: 'upstream', error: { code: 'ECONNRESET', message: '' } }],
    tapes: [{ type: 'exchangeAborted', exchangeId: id, by: 'tapes', error: null }],
    nobody: [],
  };
  // What comes behind the end says nothing new.
  const late: Unstamped = { type: 'responseData', exchangeId: id, data: Buffer.from(JSON.stringify(completed())) };
  const events = [
    ...request,
    ...(isEarly && hasReply ? reply : [ended]),
    ...(isEarly ? (random() < 0.5 ? [ended] : []) : hasReply ? reply : []),
    ...endings[endedBy],
    ...(endedBy !== 'nobody' && random() < 0.2 ? [late] : []),
  ];
  const said = hasReply && cutAt >= answer.saidAt ? answer.said : null;
  return {
    id,
    events,
    expected: statusByDefinition({ httpStatus: hasReply ? httpStatus : null, said, endedBy }),
    passed: hasReply ? passed : Buffer.alloc(0),
  };
}

test.each([1, 2, 3, 4])(
  'is what the definition says, whatever happens (150 exchanges at once, seed %i)',
  async (seed) => {
    const cases = Array.from({ length: 150 }, (_, at) => anyCase(`ex-${seed}-${at}`, seed * 1000 + at));
    const random = seededRandom(seed);
    const { dbFile, report } = await recordScript((script) => {
      const open = cases.map(({ events }) => [...events]);
      while (open.length > 0) {
        const at = randomInt(random, 0, open.length - 1);
        const event = open[at]!.shift();
        if (event === undefined) open.splice(at, 1);
        else script.wait(1).add(event);
      }
    });
    expect(report).toMatchObject({ calls: cases.length, dropped: 0, problems: [] });

    const connection = await Connection.open(dbFile, 'read');
    const rows = await connection.all<{ id: string; status: string }>('SELECT id, status FROM calls');
    await connection.close();
    const derived = new Map(rows.map(({ id, status }) => [id, status]));
    const statuses = cases.map(({ id }) => `${id} ${derived.get(id)}`);
    expect(statuses).toEqual(cases.map(({ id, expected }) => `${id} ${expected}`));
    // Every status is met: a generator that makes but one would prove nothing.
    expect(new Set(derived.values()).size).toBe(6);

    await withLibrary(dbFile, async (library) => {
      for (const { id, passed } of cases) {
        const parts: Uint8Array[] = [];
        for await (const part of (await library.readBody(id, 'response')) ?? []) parts.push(part);
        expect(Buffer.concat(parts).equals(passed), `the bytes of ${id}`).toBe(true);
      }
    });
  },
);
