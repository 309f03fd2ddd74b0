// Random requests of one conversation, as bytes: each goes on from the one before it, or is what agents, other clients and damage make of it.
import { array, constantFrom, double, integer, oneof, record, shuffledSubarray, string, tuple } from 'fast-check';
import type { Arbitrary } from 'fast-check';

interface State {
  readonly items: readonly string[];
  readonly head: string;
  /** Between two items, and around them. */
  readonly gap: string;
  /** In their order. */
  readonly members: readonly Member[];
}

const members = ['model', 'head', 'input', 'tools', 'client_metadata'] as const;
type Member = (typeof members)[number];

/** What comes next. `only`: of this request and no later one. */
interface Step {
  readonly change: (state: State) => State;
  readonly only: (body: string, input: string) => string | Buffer;
}

const text = oneof(string({ maxLength: 20 }), string({ unit: 'binary', maxLength: 20 }));
const plainItem = record(
  {
    type: constantFrom('message', 'reasoning', 'function_call', 'function_call_output', 'custom_tool_call_output'),
    id: constantFrom('item_1', 'item_2', 'item_3'),
    role: constantFrom('user', 'assistant', 'developer'),
    call_id: constantFrom('call_1', 'call_2'),
    output: text,
    content: array(record({ type: constantFrom('input_text', 'input_image'), text }), { maxLength: 3 }),
    internal_chat_message_metadata_passthrough: record({ turn_id: constantFrom('turn-aaaa-1', 'turn-2') }),
  },
  { requiredKeys: ['type', 'content'] },
).map((item) => JSON.stringify(item));
/** Objects as no agent writes them, then what is none; a word ends only where something else begins. */
const oddItem = constantFrom(
  '{ "type" : "message",\n\t"text":"\\u0041\\ud83d, ] } \\" \\\\" }',
  '{"role":"user","role":"assistant","content":"the latter","n":-0.10e+300}',
  '{"__proto__":{"type":"message"},"constructor":[[],{}],"content":"long enough to be worth a row"}',
  '{}',
);
const noObject = constantFrom('"a text, ] } \\\\"', '12345678901234567890', 'null', '[1,{"input":[2]}]', '[{}]');
const noJson = constantFrom('{"a":}', '{"a":1,}', '[}', '{]', 'a"],"', '\ufeff{}', '\ufeff"x"', '{"a":"\t"}', '');
const item = oneof(
  { weight: 12, arbitrary: plainItem },
  { weight: 3, arbitrary: oddItem },
  { weight: 1, arbitrary: noObject },
  { weight: 1, arbitrary: noJson },
);
const place = double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const same = (state: State): State => state;
const whole = (body: string): string => body;
const changing = (change: Step['change']): Step => ({ change, only: whole });
const onlyNow = (only: Step['only']): Step => ({ change: same, only });
const placeIn = (length: number, where: number): number => Math.floor(where * length);

const appending = array(item, { minLength: 1, maxLength: 3 }).map((added) =>
  changing((state) => ({ ...state, items: [...state.items, ...added] })),
);
const editing = tuple(place, item).map(([where, edited]) =>
  changing((state) => ({ ...state, items: state.items.with(placeIn(state.items.length, where), edited) })),
);
const compacting = tuple(place, item).map(([where, summary]) =>
  changing((state) => ({ ...state, items: [...state.items.slice(0, placeIn(state.items.length, where)), summary] })),
);
const layingOut = tuple(
  constantFrom('', ' ', '\n    ', '\r\n\t'),
  shuffledSubarray([...members], { minLength: members.length }),
  oneof(text, string({ minLength: 600, maxLength: 700 })),
).map(([gap, order, head]) => changing((state) => ({ ...state, gap, members: order, head })));
const oddity = constantFrom(
  onlyNow(whole),
  onlyNow((body) => `{"input":[{"type":"the earlier one of two, not it"}],${body.slice(1)}`),
  onlyNow((body, input) => `{"input":${input},${body.slice(1, -1)},"input":"the last one is a text"}`),
  onlyNow((_, input) => `{"model":"m","in\\u0070ut":${input}}`),
  onlyNow((_, input) => `{"input":${input.slice(1, -1)}}`),
  onlyNow((_, input) => `{"type":"response.create","previous_response_id":"resp_1","input":${input}}`),
  onlyNow((_, input) => `{"type":"response.create","response":{"model":"m","input":"its own"},"input":${input}}`),
  onlyNow((body) => `\ufeff \n${body}\n`),
  onlyNow((body) => `${body} trailing`),
  onlyNow((_, input) => input),
);
const damaging = tuple(place, integer({ min: 0, max: 255 }), constantFrom(true, false)).map(([where, byte, isCut]) =>
  onlyNow((body) => {
    const bytes = Buffer.from(body);
    const at = placeIn(bytes.length, where);
    if (isCut) return bytes.subarray(0, at);
    bytes[at] = byte;
    return bytes;
  }),
);

function render({ items, head, gap, members: order }: State): { body: string; input: string } {
  const input = `[${gap}${items.join(`${gap},${gap}`)}${gap}]`;
  const values: Readonly<Record<Member, string>> = {
    model: '"gpt-x"',
    head: JSON.stringify(head),
    input,
    tools: `[{"type":"function","description":"${'A tool. '.repeat(80)}"}]`,
    client_metadata: `{"turn_id":"turn-aaaa-1","sent":${head.length}}`,
  };
  return { body: `{${order.map((name) => `"${name}":${gap}${values[name]}`).join(',')}}`, input };
}

const begun: State = {
  items: ['{"type":"message","role":"user","content":"the first of all"}'],
  head: 'Be brief.',
  gap: '',
  members: [...members],
};

/** Most of them are JSON. */
export const anyConversation: Arbitrary<readonly Buffer[]> = array(
  oneof(
    { weight: 6, arbitrary: appending },
    { weight: 2, arbitrary: editing },
    { weight: 1, arbitrary: compacting },
    { weight: 1, arbitrary: layingOut },
    { weight: 2, arbitrary: oddity },
    { weight: 1, arbitrary: damaging },
  ),
  { minLength: 1, maxLength: 12 },
).map((steps) => {
  let state = begun;
  return steps.map(({ change, only }) => {
    state = change(state);
    const { body, input } = render(state);
    const made = only(body, input);
    return typeof made === 'string' ? Buffer.from(made) : made;
  });
});
