// What looks at JSON from outside: agrees with JSON.parse and JSON.stringify, and counts no value too few.
import { stringifyDeep, writeJson } from '../../../src/derive/json.ts';
import { countJsonValues, readOutsideJson } from '../../../src/domain/index.ts';
import { indentJson } from '../../../src/dump/text/indent-json.ts';
import { anyBody, seededRandom } from '../../support/any-json.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';
import { shortRequests } from '../samples.ts';

export const json: FuzzTarget = {
  name: 'json',
  samples: [...shortRequests, ...Array.from({ length: 20 }, (_, seed) => anyBody(seededRandom(seed)))],
  words: ['"__proto__":', '[', '{"":', '\\ud800', '1e999', '-0', ' \t\r\n', '\\"', ',,'],
  longest: 200,
  check({ input }) {
    const text = input.toString();
    const read = readOutsideJson(text);
    const parsed = parse(text);
    must((read.type === 'json') === (parsed !== undefined), 'JSON.parse disagrees');
    const indented = indentJson(text);
    must((indented === null) === (parsed === undefined), 'what can be indented is not what is JSON');
    if (parsed === undefined) return;
    must(countJsonValues(text) >= countValues(parsed), 'a value was not counted');
    mustEqual(parse(indented ?? ''), parsed, 'indented it says something else');
    mustEqual(parse(writeJson(parsed, { sortKeys: false })), parsed, 'written it says something else');
    must(stringifyDeep(parsed) === JSON.stringify(parsed), 'JSON.stringify writes it otherwise');
    const sorted = writeJson(parsed);
    must(writeJson(parse(sorted)) === sorted, 'the canonical form is not its own canonical form');
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, each) => sum + countValues(each), 1);
}
