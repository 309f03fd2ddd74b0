// Events of answers, each of them damaged: never an exception, and an answer that keeps its promises whatever came.
import { AnswerStream } from '../../../src/store/answer-stream.ts';
import { ResponsesReader } from '../../../src/wire/index.ts';
import { toItem } from '../../../src/derive/index.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';
import { shortEvents } from '../samples.ts';

const words = [
  '"output_index":-1',
  '"output_index":1e9',
  '"__proto__":',
  '"item":null',
  '"delta":',
  '"content_index":0.5,',
  '"type":"response.output_item.done"',
  'response.completed',
  '[[[',
  'null',
  '\n\ndata: ',
];

export const responses: FuzzTarget = {
  name: 'responses',
  samples: shortEvents,
  words,
  longest: 250,
  check({ input, seed }) {
    const reader = new ResponsesReader();
    const datas = input
      .toString()
      .split('\n')
      .map((line) => line.replace(/^data: /, ''));
    let wasTerminal = false;
    for (const [mono, data] of datas.entries()) {
      reader.push(data, mono);
      must(!wasTerminal || reader.isTerminal, 'an ending was taken back');
      wasTerminal = reader.isTerminal;
    }
    const answer = reader.answer();
    if (seed % 8 === 0) mustEqual(reader.answer(), answer, 'asked twice, it says something else');
    must(answer.eventCount <= datas.length, 'more events than came');
    const order = answer.items.map(({ outputIndex }) => outputIndex);
    mustEqual(
      order,
      order.toSorted((a, b) => a - b),
      'the items are not in order',
    );
    for (const { json } of answer.items) toItem(json);
    must(!('x' in {}), 'a prototype was changed');
  },
};

export const answerStream: FuzzTarget = {
  name: 'answer-stream',
  samples: [
    ...shortEvents,
    Buffer.from('{"error":{"code":"x","message":"no"}}'),
    Buffer.from('{"id":"r","output":[{"type":"message"}]}'),
  ],
  words,
  longest: 250,
  check(fuzzed) {
    const isLines = fuzzed.seed % 3 === 0;
    const read = (chunks: readonly Buffer[]): unknown => {
      const stream = new AnswerStream();
      for (const chunk of chunks) {
        if (isLines) stream.pushLines(chunk, 1);
        else stream.push(chunk, 1);
      }
      return stream.end(1);
    };
    mustEqual(read(cutCase(fuzzed)), read([fuzzed.input]), 'cut, the answer is another');
  },
};
