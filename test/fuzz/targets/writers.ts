// Dumps of exchanges whose heads and bodies are damaged: no writer throws, and what it writes keeps its form.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { DumpEvent } from '../../../src/dump/index.ts';
import { openDumpWriter } from '../../../src/dump/dump-format.ts';
import { requestHead, WireScript } from '../../support/wire-script.ts';
import { cutCase } from '../case.ts';
import type { FuzzCase, FuzzTarget } from '../case.ts';
import { must } from '../expectations.ts';

const origin = { version: '1', hostname: 'h', os: 'o', hardware: 'x', command: 'c', runId: null };
const formats = ['pcapng', 'har', 'text'] as const;

export const writers: FuzzTarget = {
  name: 'dump-writers',
  samples: [
    Buffer.from('content-type: application/json\ncontent-encoding: gzip\n\n{"a":[1,{"b":"\u001b[2J"}]}'),
    Buffer.from('content-length: 5\ntransfer-encoding: chunked\n\ndata: x\n\n\u009b1m\u202e'),
    Buffer.from('content-encoding: zstd\n\n\x28\xb5\x2f\xfd', 'latin1'),
    Buffer.from('set-cookie: a=b; Path=/\ncontent-type: image/png\n\n\x89PNG\0\0', 'latin1'),
  ],
  words: [
    '\n\n',
    'content-encoding: br\n',
    'content-length: 99999999999\n',
    '\0',
    '\x1b]0;x\x07',
    ':',
    'content-type: \r',
  ],
  longest: 200,
  async check(fuzzed) {
    const format = formats[fuzzed.seed % formats.length]!;
    const options = {
      origin,
      labelOf: () => null,
      hasProviderLeg: fuzzed.seed % 2 === 0,
      keepZstd: true,
      bodies: 'full',
    } as const;
    const writer = openDumpWriter(format, options);
    const parts = [writer.start()];
    for (const event of scriptOf(fuzzed)) parts.push(await writer.write(event));
    parts.push(await writer.finish(true), writer.tail);
    const bytes = Buffer.concat(parts);
    if (format === 'har') JSON.parse(bytes.toString());
    else if (format === 'text') must(!/[^\n\t\P{Cc}]/u.test(bytes.toString()), 'a control character is in the text');
    else must(bytes.length % 4 === 0, 'blocks of a pcapng end at four bytes');
  },
};

function scriptOf(fuzzed: FuzzCase): readonly DumpEvent[] {
  const [head = '', ...rest] = fuzzed.input.toString('latin1').split('\n\n');
  const headers: RawHeaders = head
    .split('\n')
    .map((line) => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1).trim()] as const);
  const body = Buffer.from(rest.join('\n\n'), 'latin1');
  const script = new WireScript();
  const exchangeId = 'aaaa1bbbb2';
  const request = requestHead({
    headers,
    path: `/${head.slice(0, 20)}`,
    method: fuzzed.seed % 3 === 0 ? 'GET' : 'POST',
  });
  script.add({ type: 'requestStarted', exchangeId, request });
  for (const data of cutCase({ ...fuzzed, input: body })) script.add({ type: 'requestData', exchangeId, data });
  script.add({ type: 'requestEnded', exchangeId });
  script.head(exchangeId, { headers, status: fuzzed.seed % 7 === 0 ? 204 : 200, reason: head.slice(0, 10) });
  for (const data of cutCase({ ...fuzzed, input: body })) script.data(exchangeId, data);
  if (fuzzed.seed % 4 === 0) script.abort(exchangeId, 'upstream', { code: 'E', message: head });
  else script.end(exchangeId);
  return script.events;
}
