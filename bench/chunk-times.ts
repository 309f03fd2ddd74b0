// How much later a chunk of an answer comes through tapes than straight from the provider. Both ways in turn within one run, so that both meet the
// same machine: a chunk every few ms carries the time at which it was written, the client takes the time at which it read it. Provider and client
// are one process with the interceptor, which nothing records here. Prints a table for docs/fidelity.md.
//   npx tsx bench/chunk-times.ts [rounds]
import type { ServerHttp2Stream } from 'node:http2';

import { openStage, type Way } from '../test/support/fidelity/both-ways.ts';
import { openHttp2Stage, type Http2Client } from '../test/support/fidelity/http2-both-ways.ts';
import type { Peer } from '../test/support/fidelity/peer.ts';

const chunksEach = 200;
const everyMs = 5;
const rounds = Number(process.argv[2] ?? 5);
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

type Row = `HTTP/${'1.1' | '2'} ${Way}`;
const rows: readonly Row[] = ['HTTP/1.1 direct', 'HTTP/1.1 tapes', 'HTTP/2 direct', 'HTTP/2 tapes'];
const empty = (): Record<Row, number[]> => ({
  'HTTP/1.1 direct': [],
  'HTTP/1.1 tapes': [],
  'HTTP/2 direct': [],
  'HTTP/2 tapes': [],
});
const delays = empty();
const gaps = empty();
let written: number[] = [];

async function provide(peer: Peer): Promise<void> {
  await peer.until('\r\n\r\n');
  await peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let at = 0; at < chunksEach; at += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    written.push(nowMs());
    await peer.write('5\r\nchunk\r\n');
  }
  await peer.write('0\r\n\r\n');
}

async function read(peer: Peer, row: Row): Promise<void> {
  await peer.write('GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n');
  await peer.until('\r\n\r\n');
  const times: number[] = [];
  for (let at = 0; at < chunksEach; at += 1) {
    await peer.until('chunk\r\n');
    times.push(nowMs());
  }
  await peer.until('0\r\n\r\n');
  keep(row, times);
}

async function read2(client: Http2Client, row: Row): Promise<void> {
  const times: number[] = [];
  const stream = client.ask({ ':path': '/' });
  // Chunks that come together were read together.
  stream.on('data', (data: Buffer) => {
    for (let size = 0; size < data.length; size += 'chunk'.length) times.push(nowMs());
  });
  await client.closed(stream);
  keep(row, times);
}

function keep(row: Row, times: readonly number[]): void {
  for (const [at, time] of times.entries()) {
    delays[row].push(time - written[at]!);
    if (at > 0) gaps[row].push(Math.abs(time - times[at - 1]! - (written[at]! - written[at - 1]!)));
  }
}

function quantile(numbers: readonly number[], share: number): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(2);
}

async function provide2(stream: ServerHttp2Stream): Promise<void> {
  stream.respond({ ':status': 200 });
  for (let at = 0; at < chunksEach; at += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    written.push(nowMs());
    stream.write('chunk');
  }
  stream.end();
}

// One interceptor after the other: the way upstream is one for the whole process.
const stage = await openStage();
for (let round = 0; round < rounds; round += 1) {
  for (const way of ['direct', 'tapes'] as const) {
    written = [];
    const client = (peer: Peer): Promise<void> => read(peer, `HTTP/1.1 ${way}`);
    await stage.observe({ name: 'chunks', client, upstream: provide }, way);
  }
}
await stage.close();
const stage2 = await openHttp2Stage({ logsBytes: false });
for (let round = 0; round < rounds; round += 1) {
  for (const way of ['direct', 'tapes'] as const) {
    written = [];
    const client = (asking: Http2Client): Promise<void> => read2(asking, `HTTP/2 ${way}`);
    await stage2.observe({ name: 'chunks', client, upstream: provide2 }, way);
  }
}
await stage2.close();
say(
  '| way | chunks | later than written, ms: median | p99 | gap between two chunks other than written, ms: median | p99 |',
);
say('| --- | --- | --- | --- | --- | --- |');
for (const row of rows) {
  const figures = [delays[row], gaps[row]].flatMap((found) => [quantile(found, 0.5), quantile(found, 0.99)]);
  say(`| ${row} | ${delays[row].length} | ${figures.join(' | ')} |`);
}
process.exit(0);
