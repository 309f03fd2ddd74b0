// HTTP/1.1 messages, damaged: the same heads, bodies and ends however they are cut, and no more in bodies than came. Whole ones give what was put in.
import { readRequests, readResponses, type Http1Event } from '../../../src/proxy/http1-messages.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';

const requests: readonly (readonly [string, readonly string[]])[] = [
  ['GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', ['GET /a', 'end', 'POST /b', '> hello', 'end']],
  ['POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nworld\r\n1B\r\nabcdefghijklmnopqrstuvwxyz.\r\n0\r\nX-Sum: 1\r\n\r\n', ['POST /c', '> worldabcdefghijklmnopqrstuvwxyz.', 'end']],
  ['\r\nPOST /d e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000003 \nabc\n2\r\nde\r\n0\n\n', ['POST /d e', '> abcde', 'end']],
]; // prettier-ignore
const responses: readonly (readonly [string, readonly string[]])[] = [
  ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', ['HTTP/1.1 103', 'HTTP/1.1 200', '> ok', 'end']],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\nA\r\n{"a":"b"}\n\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', ['HTTP/1.1 200', '> data: {"a":"b"}\n', 'end', 'HTTP/1.1 204', 'end']],
  ['HTTP/1.0 200\r\nX: a\r\n b\r\n\r\nuntil the end', ['HTTP/1.0 200', '> until the end', 'end']],
]; // prettier-ignore
const known = new Map([...requests, ...responses]);

export const http1: FuzzTarget = {
  name: 'http1',
  samples: [...known.keys()].map((text) => Buffer.from(text, 'latin1')),
  words: ['\r\n', '\n', '\r', '0\r\n\r\n', '\r\n\r\n', '7fffffff\r\n', '00000001\r\n', ' ', ';', 'Transfer-Encoding: gzip, chunked\r\n', 'Content-Length: 3\r\n', 'HTTP/1.1 101 S\r\n\r\n', '\0', '\t'], // prettier-ignore
  check(fuzzed) {
    const isRequest = !fuzzed.input.toString('latin1').startsWith('HTTP/');
    const read = (chunks: readonly Buffer[]): { told: string[]; isLost: boolean; isBetween: boolean } => {
      let answered = 0;
      const methods = (): string => (fuzzed.seed % 5 === 0 && (answered += 1) % 2 === 0 ? 'HEAD' : 'GET');
      const reader = isRequest ? readRequests() : readResponses(methods);
      const events = chunks.flatMap((chunk) => reader.push(chunk));
      return { told: tell([...events, ...reader.end()]), isLost: reader.isLost(), isBetween: reader.isBetween() };
    };
    const before = fuzzed.input.toString('latin1');
    const whole = read([fuzzed.input]);
    must(fuzzed.input.toString('latin1') === before, 'what passes was changed');
    mustEqual(read(cutCase(fuzzed)), whole, 'cut, the messages say something else');
    const bytes = whole.told.reduce((sum, line) => sum + (line.startsWith('> ') ? line.length - 2 : 0), 0);
    must(bytes <= fuzzed.input.length, 'more in bodies than came');
    const wanted = fuzzed.seed % 5 === 0 ? undefined : known.get(before);
    if (wanted === undefined) return;
    const said = whole.told.map((line) => (/^(> |end$)/.test(line) ? line : line.slice(0, line.indexOf(' {'))));
    mustEqual(said, wanted, 'whole messages say something else than was put in');
  },
};

/** A body as one line, however many pieces it came in. */
function tell(events: readonly Http1Event[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === 'end') lines.push('end');
    else if (event.type === 'head') {
      const [first, second] = event.head.line;
      lines.push(`${first} ${second} ${JSON.stringify(event.head)}`);
    } else if (lines.at(-1)?.startsWith('> ')) lines.push(`${lines.pop()}${event.data.toString('latin1')}`);
    else if (event.data.length > 0) lines.push(`> ${event.data.toString('latin1')}`);
  }
  return lines;
}
