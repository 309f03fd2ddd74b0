// Request bodies: cut and put together they are the same bytes, and each item cut out is the one that JSON.parse finds there.
import { isDeepStrictEqual } from 'node:util';

import { readCodexIdentity, attributeRequest } from '../../../src/agents/index.ts';
import { mapBody, readPrompt, readRequestBody, retryKey, toSentEntry } from '../../../src/derive/index.ts';
import { readRequest } from '../../../src/store/recorder/read-request.ts';
import { readTemplate, splitRequest, writeTemplate } from '../../../src/wire/index.ts';
import { anyBody, seededRandom } from '../../support/any-json.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual, mustEqualBytes } from '../expectations.ts';
import { headerLists, shortRequests } from '../samples.ts';

const words = [
  '"input":',
  '"input":[',
  '],"input":"',
  '\\"',
  '\\\\',
  '{"a":[',
  ']}',
  '\xef\xbb\xbf',
  '"in\\u0070ut":',
  'null,',
];

export const splitting: FuzzTarget = {
  name: 'split-request',
  samples: [...shortRequests, ...Array.from({ length: 40 }, (_, seed) => anyBody(seededRandom(seed)))],
  words,
  longest: 200,
  check({ input, seed }) {
    const cuts = splitRequest(input, { partBytes: 1 + (seed % 64) });
    const parsed = parse(input);
    if (isObject(parsed)) must(cuts !== null, 'a JSON object is not cut');
    if (cuts === null) return;
    let end = 0;
    for (const cut of cuts) {
      must(cut.start >= end && cut.end > cut.start && cut.end <= input.length, 'cuts overlap');
      end = cut.end;
    }
    const pick = (type: 'item' | 'part'): Buffer[] =>
      cuts.filter((cut) => cut.type === type).map(({ start, end: to }) => input.subarray(start, to));
    const template = readTemplate(writeTemplate(input, cuts));
    mustEqualBytes(template.fill(pick('item'), pick('part')), input, 'put together it is another body');
    const items = pick('item');
    if (!isObject(parsed) || items.length === 0) return;
    mustEqual(
      items.map((item) => parse(item)),
      parsed['input'],
      'the items are not those of the body',
    );
  },
};

/** Conversations that go on from each other. */
const conversations = ['one', 'two, "]}" and \\', 'three', 'four \u00e9\ud83d\ude00'].map((_, count, texts) =>
  Buffer.from(
    JSON.stringify({
      model: 'm',
      input: [
        ...texts
          .slice(0, count + 1)
          .map((content, at) => ({ type: 'message', id: `msg_${at}`, role: 'user', content })),
        ...(count === 2 ? ['a text that is no object, and long'] : []),
      ],
      client_metadata: { turn_id: `turn-${count}` },
    }),
  ),
);
const earlierOnes = conversations.map((body) => readRequest(body, null).known);

export const reading: FuzzTarget = {
  name: 'read-request',
  samples: conversations,
  words: [...words, '},{', '{"type":"message","id":"msg_1","role":"user","content":"two"}', '{"input":[],'],
  longest: 400,
  check({ input, seed }) {
    const alone = readRequest(input, null);
    const behind = readRequest(input, earlierOnes[seed % earlierOnes.length]!);
    must(isDeepStrictEqual(behind, alone), 'behind an earlier request it is another one');
    const whole = readRequestBody(new TextDecoder().decode(input));
    must(isDeepStrictEqual(alone.reading, whole), 'read by its items it is another request');
    must(retryKey(alone.reading) === retryKey(whole), 'another key of retries');
    must(JSON.stringify(alone.reading.json) === JSON.stringify(whole.json), 'its members are in another order');
  },
};

export const identity: FuzzTarget = {
  name: 'agent-identity',
  samples: [
    ...shortRequests,
    Buffer.from(
      '{"client_metadata":{"x-codex-turn-metadata":"{\\"session_id\\":\\"s\\",\\"workspaces\\":{\\"/a\\":{}}}","thread_id":"t"}}',
    ),
    Buffer.from(
      '{"input":[{"role":"user","content":[{"text":"<environment_context><cwd>/x&amp;y</cwd>"}]}],"generate":false}',
    ),
  ],
  words: [
    '"session_id":',
    '"thread_id":{}',
    '"turn_id":""',
    '"__proto__":{"sessionId":"x"}',
    '"../../x"',
    '\\u0000',
    '<cwd>',
    '&quot;',
  ],
  longest: 200,
  check({ input, seed }) {
    const text = input.toString();
    const { json } = readRequestBody(text);
    const known = headerLists[seed % headerLists.length]!;
    const headers = known.map(([name, value], at) => [name, seed % known.length === at ? text : value] as const);
    const path = seed % 7 === 0 ? text : '/backend-api/codex/responses';
    const said = readCodexIdentity(headers, json, path);
    for (const id of [said.sessionId, said.threadId, said.turnId, said.parentThreadId]) {
      must(id === null || (id !== '' && id.length <= 512), 'an id is empty or endless');
    }
    must(typeof said.kind === 'string' && said.kind !== '', 'a call has no kind');
    must(attributeRequest('chatgpt.com', headers, path).agent.length <= 64, 'an agent has an endless name');
  },
};

export const derivation: FuzzTarget = {
  name: 'request-reading',
  samples: shortRequests,
  words: [
    ...words,
    '"content":',
    '"role":"user"',
    '"type":"reasoning"',
    '"summary":[null]',
    '"__proto__":{"role":"user"}',
  ],
  longest: 200,
  check({ input }) {
    const text = input.toString();
    const reading = readRequestBody(text);
    retryKey(reading);
    readPrompt(reading.inputItems, 't1');
    for (const item of reading.inputItems) toSentEntry(item);
    const map = mapBody(Buffer.from(text));
    must(
      map.members.every(({ start, end }) => start < end && end <= map.bytes.length),
      'a member lies outside of its body',
    );
    const parsed = parse(Buffer.from(text));
    must(isObject(parsed) === (reading.json !== null), 'JSON.parse disagrees on what is an object');
    must(({} as { role?: string }).role === undefined, 'a prototype was changed');
  },
};

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
