// What a long session costs on disk: a generated one in the shape of real Codex requests (0.169), through the real recorder. The context
// grows from 70 kB to 400 kB over 500 calls in turns of five: four with a tool call (every third with a reasoning item before it), then an
// answer. Every tenth call is cut off and sent again. Prints tables for bench/README.md.
//   npx tsx bench/storage-size.ts [calls] [contextBytes]
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readCodexIdentity } from '../src/agents/index.ts';
import { Connection } from '../src/store/connection.ts';
import { rederive, withLibrary } from '../src/store/index.ts';
import { RunRecorder } from '../src/store/recorder/run-recorder.ts';
import { maskKeyOfTests, runStartOfTests } from '../test/support/run-start.ts';
import { seededRandom } from '../test/support/any-json.ts';
import {
  assistantMessage,
  completed,
  created,
  itemDone,
  sse,
  textDelta,
  WireScript,
} from '../test/support/wire-script.ts';

const calls = Number(process.argv[2] ?? 500);
const finalBytes = Number(process.argv[3] ?? 400_000);
const openingBytes = 70_000;
const callsPerTurn = 5;

const random = seededRandom(1);
const words = Array.from({ length: 4000 }, (_, at) => word(at));
const sessionId = uuid('session');

function word(seed: number): string {
  const next = seededRandom(seed);
  return Array.from({ length: 2 + Math.floor(next() * 8) }, () =>
    String.fromCharCode(97 + Math.floor(next() * next() * 26)),
  ).join('');
}

function uuid(of: string): string {
  const hex = createHash('sha256').update(of).digest('hex');
  return `01a20768-${hex.slice(0, 4)}-7${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`;
}

/** Text in which some words come often, as in language and in listings of files. */
function prose(bytes: number): string {
  let text = '';
  while (text.length < bytes)
    text += `${words[Math.floor(random() ** 3 * words.length)]!}${random() < 0.1 ? '\n' : ' '}`;
  return text.slice(0, bytes);
}

const encrypted = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 43) }, () =>
    createHash('sha256').update(String(random())).digest('base64url'),
  ).join('');

const passthrough = (turn: string, kind?: string): object => ({
  internal_chat_message_metadata_passthrough: {
    turn_id: uuid(turn),
    ...(kind === undefined ? {} : { content_item_kinds: [kind] }),
  },
});

const message = (role: string, text: string, turn: string, id: string): object => ({
  type: 'message',
  id: `msg_${uuid(id)}`,
  role,
  content: [{ type: 'input_text', text }],
  ...passthrough(turn, 'user.text'),
});

function metadata(turn: string): string {
  return JSON.stringify({
    installation_id: uuid('installation'),
    session_id: sessionId,
    thread_id: sessionId,
    agent_name: '/root',
    turn_id: uuid(turn),
    window_id: `${sessionId}:0`,
    window_number: 0,
    context_window_id: uuid('window'),
    request_kind: 'turn',
    history_initialization: 'new',
    root_turn_id: uuid(turn),
    thread_source: 'user',
    turn_trigger: 'exec',
    sandbox: 'none',
    sandbox_mode: 'danger-full-access',
    auto_review_enabled: false,
    node_repl_auto_review_required: true,
    node_repl_disabled: false,
    workspaces: { '/home/dev/project': { has_changes: false } },
    turn_started_at_unix_ms: 1_795_420_637_183,
    analytics_enabled: true,
    model: 'gpt-6.1-sol',
    reasoning_effort: 'low',
  });
}

/** The fields in another order with each call, as Codex sends them. */
function clientMetadata(turn: string): object {
  const fields: [string, string][] = [
    ['x-codex-turn-metadata', metadata(turn)],
    ['turn_id', uuid(turn)],
    ['x-codex-window-id', `${sessionId}:0`],
    ['guardian_credits_requested', 'true'],
    ['thread_id', sessionId],
    ['session_id', sessionId],
    ['x-codex-installation-id', uuid('installation')],
    ['root_turn_id', uuid(turn)],
    ['mcp_attribution', '{"status":"none"}'],
  ];
  return Object.fromEntries(fields.toSorted(() => random() - 0.5));
}

function bodyOf(input: readonly object[], turn: string): string {
  return JSON.stringify({
    model: 'gpt-6.1-sol',
    stream: true,
    input,
    tool_choice: 'auto',
    parallel_tool_calls: false,
    reasoning: { effort: 'low', context: 'all_turns' },
    store: false,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: sessionId,
    text: { verbosity: 'low' },
    client_metadata: clientMetadata(turn),
  });
}

const requestHeaders = (turn: string): [string, string][] => [
  ['x-codex-beta-features', 'remote_models'],
  ['x-codex-window-id', `${sessionId}:0`],
  ['x-codex-turn-metadata', metadata(turn)],
  ['version', '0.169.0'],
  ['session-id', sessionId],
  ['thread-id', sessionId],
  ['x-client-request-id', sessionId],
  ['accept', 'text/event-stream'],
  ['content-type', 'application/json'],
  ['authorization', `Bearer ${encryptedToken}`],
  ['chatgpt-account-id', uuid('account')],
  ['user-agent', 'codex_exec/0.169.0 (Ubuntu 24.4.0; x86_64) unknown (codex_exec; 0.169.0)'],
  ['originator', 'codex_exec'],
  ['host', 'chatgpt.com'],
];

const responseHeaders = (call: number): [string, string][] => [
  ['content-type', 'text/event-stream; charset=utf-8'],
  ['date', new Date(Date.UTC(2026, 10, 23, 12, 0, 7 * call)).toUTCString()],
  ['x-request-id', uuid(`request ${call}`)],
  ['x-codex-primary-used-percent', '12'],
  ['x-codex-primary-window-minutes', '300'],
  ['x-codex-secondary-used-percent', '30'],
  ['x-codex-secondary-window-minutes', '10080'],
];

const encryptedToken = encrypted(900);

interface Sample {
  readonly calls: number;
  readonly decodedBytes: number;
  readonly databaseBytes: number;
}

let [handled, pushed] = [0, 0];
let tellSettled = (): void => {};
const folder = await mkdtemp(join(tmpdir(), 'tapes-bench-'));
const dbFile = join(folder, 'tapes.db');
const recorder = new RunRecorder({
  dbFile,
  run: runStartOfTests({ startedAt: Date.UTC(2026, 10, 23, 12) }),
  maskKey: maskKeyOfTests,
  secrets: [],
  identify: readCodexIdentity,
  onHandled() {
    handled += 1;
    if (handled === pushed) tellSettled();
  },
});
/** Waits until the recorder has done all that it was given. */
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    tellSettled = resolve;
  });

/** With what is still in the write-ahead log. */
async function databaseBytes(): Promise<number> {
  const connection = await Connection.open(dbFile, 'read');
  const sql = 'SELECT sum(pgsize) AS bytes FROM dbstat';
  try {
    return (await connection.get<{ bytes: number }>(sql))!.bytes;
  } finally {
    await connection.close();
  }
}

const tools = Array.from({ length: 30 }, (_, at) => ({
  type: 'custom',
  name: `tool_${at}`,
  description: prose(Math.floor(openingBytes / 45)),
}));
const input: object[] = [
  { type: 'additional_tools', id: `at_${uuid('tools')}`, role: 'developer', tools },
  message('developer', prose(14_000), 'turn 0', 'developer'),
  message('user', '<environment_context>\n  <cwd>/home/dev/project</cwd>\n</environment_context>', 'turn 0', 'env'),
];
const script = new WireScript();
const samples: Sample[] = [];
const openedBytes = JSON.stringify(input).length;
let inputBytes = openedBytes;

function add(...items: readonly object[]): void {
  input.push(...items);
  for (const item of items) inputBytes += JSON.stringify(item).length + 1;
}

let [decodedBytes, recordMs] = [0, 0];

for (let call = 0; call < calls; call += 1) {
  const turn = `turn ${Math.floor(call / callsPerTurn)}`;
  const id = String(call).padStart(20, '0');
  if (call % callsPerTurn === 0) add(message('user', prose(80), turn, `prompt ${call}`));
  const body = bodyOf(input, turn);
  decodedBytes += body.length;
  const reasoning = {
    type: 'reasoning',
    id: `rs_${uuid(id)}`,
    summary: [],
    encrypted_content: encrypted(400),
  };
  const toolCall = {
    type: 'custom_tool_call',
    id: `ctc_${uuid(id)}`,
    status: 'completed',
    call_id: `call_${uuid(id).slice(9, 33)}`,
    name: 'exec',
    input: `text(await run(${JSON.stringify(prose(40))}))`,
  };
  script
    .post(id, { headers: requestHeaders(turn) }, body)
    .wait(900)
    .head(id, { headers: responseHeaders(call) });
  const started = JSON.parse(JSON.stringify(created(`resp_${uuid(id)}`))) as { response: object };
  const isCut = call % 10 === 7;
  const isAnswer = call % callsPerTurn === callsPerTurn - 1;
  const answer = assistantMessage(prose(60), `msg_${uuid(id)}`);
  const toolEvents = [
    ...(call % 3 === 0 ? [itemDone(reasoning)] : []),
    ...toolCall.input.split(/(?<= )/).map((delta) => ({
      type: 'response.custom_tool_call_input.delta',
      item_id: toolCall.id,
      output_index: 1,
      delta,
    })),
    itemDone(toolCall, 1),
  ];
  const events = [
    { ...started, response: { ...started.response, tools: [], instructions: null } },
    ...(isAnswer ? [textDelta(prose(60), `msg_${uuid(id)}`), itemDone(answer)] : toolEvents),
    ...(isCut ? [] : [completed(`resp_${uuid(id)}`)]),
  ];
  for (const event of events) script.wait(20).data(id, sse(event));
  script.abort(id, isCut ? 'upstream' : 'agent');
  const begun = performance.now();
  for (const event of script.events.splice(0)) {
    recorder.push(event);
    pushed += 1;
  }
  await settle();
  recordMs += performance.now() - begun;
  if (isAnswer) add({ ...answer, ...passthrough(turn) });
  else if (!isCut) addToolCall();
  function addToolCall(): void {
    if (call % 3 === 0) add({ ...reasoning, ...passthrough(turn) });
    add({ ...toolCall, ...passthrough(turn) });
    const output = (text: string): object => ({
      type: 'custom_tool_call_output',
      id: `ctco_${uuid(id)}`,
      call_id: toolCall.call_id,
      output: [{ type: 'input_text', text }],
      ...passthrough(turn),
    });
    const goal = openedBytes + ((finalBytes - openedBytes) * (call + 1)) / calls;
    add(output(prose(Math.max(10, goal - inputBytes - JSON.stringify(output('')).length))));
  }
  if ((call + 1) % (calls / 5) === 0) {
    samples.push({ calls: call + 1, decodedBytes, databaseBytes: await databaseBytes() });
  }
}
recorder.endRun({ exitCode: 0, signal: null, endedAt: script.now.at });
const report = await recorder.close();
if (report.problems.length > 0) throw new Error(report.problems.join('; '));

const total = await databaseBytes();
const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`${calls} calls, last request ${kB(bodyOf(input, 'end').length)}, requests decoded ${kB(decodedBytes)}`);
console.log(`database ${kB(total)}: ${((100 * total) / decodedBytes).toFixed(2)} % of the decoded requests`);
console.log(`recording: ${(recordMs / calls).toFixed(1)} ms a call\n`);
console.log('| calls | decoded requests | database | per call since the line above |\n| --- | --- | --- | --- |');
let before: Sample = { calls: 0, decodedBytes: 0, databaseBytes: 0 };
for (const sample of samples) {
  const perCall = (sample.databaseBytes - before.databaseBytes) / (sample.calls - before.calls);
  console.log(`| ${sample.calls} | ${kB(sample.decodedBytes)} | ${kB(sample.databaseBytes)} | ${kB(perCall)} |`);
  before = sample;
}
const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
  const begun = performance.now();
  await work();
  console.log(`${what}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
};
await timed('\nverify', async () => {
  const { problems } = await withLibrary(dbFile, (library) => library.verify(() => {}));
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
});
await timed('rederive', async () => {
  const { changed } = await rederive(dbFile, () => {});
  if (Object.values(changed).some((count) => count > 0)) throw new Error(JSON.stringify(changed));
});
await timed('one request body, of the last call', async () => {
  const id = String(calls - 1).padStart(20, '0');
  const body = await withLibrary(dbFile, (library) => library.readBody(id, 'request'));
  if (body === null) throw new Error(`call ${id} has no request body`);
});
const connection = await Connection.open(dbFile, 'read');
const tables = await connection
  .all<{ name: string; bytes: number }>(
    'SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC LIMIT 12',
  )
  .catch(() => []);
await connection.close();
for (const { name, bytes } of tables) console.log(`${name.padEnd(32)} ${kB(bytes)}`);
await rm(folder, { recursive: true });
