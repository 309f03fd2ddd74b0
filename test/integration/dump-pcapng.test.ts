// What Wireshark makes of the pcapng files, by tshark: conversations, messages, bodies, comments, and no complaint.
import { describe, expect, it } from 'vitest';

import type { DumpEvent } from '../../src/dump/index.ts';
import { PcapngWriter } from '../../src/dump/pcapng/pcapng-writer.ts';
import { dumpFile, labelOfTests, originOfTests, writeDump } from '../support/dump-script.ts';
import { randomTraffic } from '../support/random-traffic.ts';
import { exportedBodies, httpMessages, runTool, tshark, tsharkComplaints, tsharkFields } from '../support/tshark.ts';
import { plainAnswer, requestHead, sse, WireScript } from '../support/wire-script.ts';

const client = { address: '127.0.0.1', port: 40_001 };
const upstream = {
  local: { address: '10.1.2.3', port: 51_000 },
  remote: { address: '104.18.32.47', port: 443 },
  requestHeaders: null,
  response: null,
};

async function pcapng(events: readonly DumpEvent[], hasProviderLeg = true): Promise<string> {
  const writer = new PcapngWriter({ origin: originOfTests, labelOf: labelOfTests, hasProviderLeg });
  return dumpFile('dump.pcapng', await writeDump(writer, events));
}

describe('a pcapng dump', () => {
  it('shows an HTTP/1.1 connection with its header bytes, its chunks and their times, on both sides', async () => {
    const script = new WireScript();
    const headers = [
      ['Host', 'chatgpt.com'],
      ['X-ODD-Casing', 'a'],
      ['x-odd-casing', 'b'],
      ['Content-Length', '13'],
    ] as const;
    script.post('aaaa1', { httpVersion: '1.1', client, headers }, '{"input":"hi"');
    script.wait(7.25).add({
      type: 'responseStarted',
      exchangeId: 'aaaa1',
      response: {
        status: 200,
        reason: 'Fine',
        headers: [
          ['Transfer-Encoding', 'chunked'],
          ['Content-Type', 'text/event-stream'],
        ],
      },
      upstream,
    });
    script.wait(10).data('aaaa1', 'data: one\n\n').wait(20.5).data('aaaa1', 'data: two\n\n').end('aaaa1');
    const file = await pcapng(script.events);
    expect(tsharkComplaints(file)).toEqual([]);
    expect(httpMessages(file).map(({ leg, stream, method, status }) => [leg, stream, method || status])).toEqual([
      ['agent', '0', 'POST'],
      ['provider', '1', 'POST'],
      ['provider', '1', '200'],
      ['agent', '0', '200'],
    ]);
    const [stream = ''] = tshark(file, '-q', '-z', 'follow,tcp,raw,0').slice(5, 6);
    expect(Buffer.from(stream, 'hex').toString()).toBe(
      'POST /backend-api/codex/responses HTTP/1.1\r\nHost: chatgpt.com\r\nX-ODD-Casing: a\r\nx-odd-casing: b\r\nContent-Length: 13\r\n\r\n',
    );
    const data = tsharkFields(
      file,
      'tcp.len > 0 && tcp.srcport == 80 && ip.dst == 127.0.0.1',
      'frame.time_relative',
      'tcp.payload',
    );
    expect(data.map(([at = '', hex = '']) => [Number(at), Buffer.from(hex, 'hex').toString()])).toEqual([
      [0.00725, 'HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n'],
      [0.01725, 'b\r\ndata: one\n\n\r\n'],
      [0.03775, 'b\r\ndata: two\n\n\r\n'],
      [0.03775, '0\r\n\r\n'],
    ]);
    const ends = tsharkFields(file, 'tcp.flags.syn == 1 && tcp.flags.ack == 0', 'ip.src', 'tcp.srcport', 'ip.dst');
    expect(ends).toEqual([
      ['127.0.0.1', '40001', '127.0.0.1'],
      ['10.1.2.3', '51000', '104.18.32.47'],
    ]);
  });

  it('keeps an HTTP/1.1 connection over several exchanges, and ends it as it ended', async () => {
    const script = new WireScript();
    const request = { httpVersion: '1.1', client, headers: [['Content-Length', '2']] as const };
    script
      .post('a1', request, 'hi')
      .head('a1', { headers: [['Content-Length', '5']] })
      .data('a1', 'first')
      .end('a1');
    script
      .wait(5)
      .post('a2', request, 'hi')
      .head('a2', { headers: [['Content-Length', '6']] })
      .data('a2', 'second')
      .end('a2');
    script
      .wait(5)
      .post('a3', request, 'hi')
      .head('a3', { headers: [['Transfer-Encoding', 'chunked']] });
    script.data('a3', 'cut').abort('a3', 'agent');
    script.wait(5).post('a4', { ...request, client: { ...client, port: 40_002 } }, 'hi');
    script.abort('a4', 'upstream', { code: 'ECONNRESET', message: 'connection reset' });
    const file = await pcapng(script.events, false);
    expect(tsharkComplaints(file)).toEqual([]);
    expect(httpMessages(file).map(({ stream, status }) => `${stream}${status}`)).toEqual([
      '0',
      '0200',
      '0',
      '0200',
      '0',
      '0200',
      '1', // prettier-ignore
    ]);
    expect(tsharkFields(file, 'tcp.flags.fin == 1', 'tcp.stream', 'tcp.dstport')).toEqual([
      ['0', '80'],
      ['0', '40001'],
    ]);
    expect(tsharkFields(file, 'tcp.flags.reset == 1', 'tcp.stream', 'frame.comment')).toEqual([
      ['1', 'tapes: call a4 of turn turn1 · tapes show a4,the provider failed: ECONNRESET connection reset'],
    ]);
  });

  it('ends a connection when it ended, on both sides, though nothing was on its way', async () => {
    const script = new WireScript();
    const request = { httpVersion: '1.1', client, headers: [['Content-Length', '2']] as const };
    const answer = {
      type: 'responseStarted',
      exchangeId: 'a1',
      response: { status: 200, reason: 'OK', headers: [['Content-Length', '5']] },
      upstream,
    };
    script.post('a1', request, 'hi').add(answer).data('a1', 'first').end('a1');
    script
      .wait(2500)
      .add({ type: 'connectionEnded', leg: 'agent', client, server: null, by: 'client', isReset: false });
    script.add({
      type: 'connectionEnded',
      leg: 'provider',
      client: upstream.local,
      server: upstream.remote,
      by: 'client',
      isReset: false,
    });
    script
      .wait(100)
      .post('a2', { ...request, client: { ...client, port: 40_002 } }, 'hi')
      .head('a2', { headers: [['Content-Length', '0']] })
      .end('a2');
    script.wait(100).add({
      type: 'connectionEnded',
      leg: 'agent',
      client: { ...client, port: 40_002 },
      server: null,
      by: 'client',
      isReset: true,
    });
    const file = await pcapng(script.events);
    expect(tsharkComplaints(file)).toEqual([]);
    const ends = tsharkFields(
      file,
      'tcp.flags.fin == 1 || tcp.flags.reset == 1',
      'frame.interface_name',
      'tcp.srcport',
      'frame.time_relative',
      'tcp.flags.reset',
    );
    expect(ends.slice(0, 5).map(([leg, port, at, isReset]) => [leg, port, Number(at), isReset])).toEqual([
      ['agent', '40001', 2.5, '0'],
      ['agent', '80', 2.5, '0'],
      ['provider', '51000', 2.5, '0'],
      ['provider', '80', 2.5, '0'],
      ['agent', '40002', 2.7, '1'],
    ]);
  });

  it('opens and ends connections when, and by whom, they were opened and ended', async () => {
    const script = new WireScript();
    const agent = { leg: 'agent', client, server: { address: '127.0.0.1', port: 8765 } };
    const provider = { leg: 'provider', client: upstream.local, server: upstream.remote };
    const meant = { type: 'connectionOpened', host: 'chatgpt.com', port: 443 };
    const told = { ...upstream, requestAt: null as object | null, responseAt: null as object | null };
    const request = { httpVersion: '1.1', client, headers: [['Content-Length', '2']] as const };
    const wholeAnswer = { status: 200, reason: 'OK', headers: [['Content-Length', '5']] };
    script.add({ ...meant, ...agent });
    script.wait(40).add({ ...meant, ...provider });
    script.wait(10).post('a1', request, 'hi');
    script.wait(10);
    told.requestAt = script.now;
    script.wait(100);
    told.responseAt = script.now;
    script.wait(10).add({ type: 'responseStarted', exchangeId: 'a1', response: wholeAnswer, upstream: told });
    script.data('a1', 'first').end('a1');
    script.wait(30).post('a2', request, 'hi');
    // Both connections break while the second answer is on its way; the exchange tells so last.
    const cut = { ...wholeAnswer, headers: [['Transfer-Encoding', 'chunked']] };
    script.add({ type: 'responseStarted', exchangeId: 'a2', response: cut, upstream }).data('a2', 'begun');
    script.wait(50).add({ type: 'connectionEnded', ...provider, by: 'server', isReset: true });
    script.wait(1).add({ type: 'connectionEnded', ...agent, by: 'server', isReset: true });
    script.wait(1).abort('a2', 'upstream', { code: 'ECONNRESET', message: 'connection reset' });
    // A connection that broke before anything was known of its provider's side, and one that carried nothing.
    const [second, third] = [50_001, 50_002].map((port) => ({ address: '10.1.2.3', port }));
    script.add({ ...meant, ...provider, client: second }).add({ ...meant, ...provider, client: third });
    script.wait(10).post('a3', { ...request, client: { ...client, port: 40_003 } }, 'hi');
    script.wait(10).add({ type: 'connectionEnded', ...provider, client: second, by: 'server', isReset: false });
    script.add({
      type: 'exchangeAborted',
      exchangeId: 'a3',
      by: 'upstream',
      error: { code: 'ECONNRESET', message: 'socket hang up' },
      upstream: { ...upstream, local: second },
    });
    script.wait(10).add({ type: 'connectionEnded', ...provider, client: third, by: 'client', isReset: false });
    const file = await pcapng(script.events);
    expect(tsharkComplaints(file)).toEqual([]);
    const seen = (filter: string, ...fields: string[]): (string | number)[][] =>
      tsharkFields(file, filter, 'frame.interface_name', 'frame.time_relative', ...fields).map(([leg, at, ...rest]) => [
        leg!,
        Math.round(Number(at) * 1000),
        ...rest,
      ]);
    expect(seen('tcp.flags.syn == 1 && tcp.flags.ack == 0', 'tcp.srcport')).toEqual([
      ['agent', 0, '40001'],
      ['provider', 40, '51000'],
      ['provider', 252, '50001'],
      ['provider', 252, '50002'],
      ['agent', 262, '40003'],
    ]);
    expect(seen('frame contains "POST /" && tcp.stream <= 1').slice(0, 2)).toEqual([
      ['agent', 50],
      ['provider', 60],
    ]);
    expect(seen('frame contains "HTTP/1.1 200"').slice(0, 2)).toEqual([
      ['provider', 160],
      ['agent', 170],
    ]);
    const ends = seen('tcp.flags.reset == 1 || tcp.flags.fin == 1', 'tcp.srcport', 'tcp.dstport', 'tcp.flags.reset');
    expect(ends).toEqual(
      expect.arrayContaining([
        ['provider', 252, '80', '51000', '1'],
        ['agent', 252, '80', '40001', '1'],
        ['provider', 272, '80', '50001', '0'],
        ['provider', 282, '50002', '80', '0'],
      ]),
    );
    const [why] = tsharkFields(file, 'tcp.flags.reset == 1 && tcp.dstport == 40001', 'frame.comment');
    expect(why).toEqual(['the provider failed: ECONNRESET connection reset']);
  });

  it('writes HTTP/2 streams as HTTP/1.1 conversations and says so, with the way to `tapes show`', async () => {
    const script = new WireScript();
    const head = {
      httpVersion: '2.0',
      client,
      headers: [
        [':authority', 'chatgpt.com'],
        ['accept', 'text/event-stream'],
      ] as const,
    };
    script.post('b1', head, '{}').post('b2', head, '{}');
    script.head('b2').data('b2', 'two').head('b1').data('b1', 'one').end('b1').end('b2');
    const file = await pcapng(script.events, false);
    expect(tsharkComplaints(file)).toEqual([]);
    expect(
      httpMessages(file)
        .map(({ stream, status }) => `${stream}${status}`)
        .sort(),
    ).toEqual(['0', '0200', '1', '1200']);
    const [ports] = [tsharkFields(file, 'tcp.flags.syn == 1 && tcp.flags.ack == 0', 'tcp.srcport', 'frame.comment')];
    expect(ports.map(([port]) => port)).toEqual(['40001', '49152']);
    expect(ports[1]![1]).toContain(
      'really port 40001, where another stream of the same HTTP/2 connection was on its way',
    );
    const comments = tsharkFields(file, 'frame.comment contains "tapes show"', 'frame.comment').map(([text]) => text);
    expect(comments).toHaveLength(4);
    expect(comments[0]).toContain('tapes: call b1 of turn turn1 · tapes show b1');
    expect(comments[0]).toContain('HTTP/2.0, written as HTTP/1.1');
    expect(exportedBodies(file).map(String).sort()).toEqual(['one', 'two', '{}', '{}']);
  });

  it('shows the frames of a WebSocket, and a refused upgrade', async () => {
    const script = new WireScript();
    const request = requestHead({
      method: 'GET',
      httpVersion: '1.1',
      headers: [
        ['Host', 'chatgpt.com'],
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ],
    });
    const accepted = [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
    ] as const;
    const text = (from: string, data: string): object => ({
      type: 'socketMessage',
      exchangeId: 'w1',
      from,
      isBinary: false,
      data: Buffer.from(data),
    });
    script.add({
      type: 'socketOpened',
      exchangeId: 'w1',
      request,
      response: { status: 101, reason: 'Switching Protocols', headers: accepted },
    });
    script
      .wait(3)
      .add(text('agent', '{"type":"response.create"}'))
      .wait(3)
      .add(text('upstream', 'x'.repeat(70_000)));
    script.wait(3).add({ type: 'socketClosed', exchangeId: 'w1', code: 1000, reason: 'bye' });
    script.wait(3).add({ type: 'upgradeRefused', exchangeId: 'w2', request, status: 426 });
    const file = await pcapng(script.events, false);
    expect(tsharkComplaints(file)).toEqual([]);
    expect(
      tsharkFields(
        file,
        'websocket',
        'websocket.opcode',
        'websocket.mask',
        'websocket.payload_length',
        'websocket.payload_length_ext_64',
      ),
    ).toEqual([
      ['1', '1', '26', ''],
      ['1', '0', '127', '70000'],
      ['8', '1', '5', ''],
    ]);
    expect(httpMessages(file).map(({ method, status }) => method || status)).toEqual(['GET', '101', 'GET', '426']);
  });

  it('keeps what is missing at its place: the rest still reads', async () => {
    const script = new WireScript();
    script.post('g1', { httpVersion: '1.1', client, headers: [['Content-Length', '2']] }, 'hi');
    script.head('g1', { headers: [['Content-Length', '108']] }).data('g1', 'head');
    const gap = { type: 'bytesMissing', exchangeId: 'g1', side: 'response', bytes: 100, why: 'too much was waiting' };
    script.add(gap).data('g1', 'tail').end('g1');
    script.post('g2', { headers: [] }, 'hi').head('g2').data('g2', 'head');
    script
      .add({ ...gap, exchangeId: 'g2', bytes: 5_000_000 })
      .data('g2', 'tail')
      .end('g2');
    const file = await pcapng(script.events, false);
    expect(tsharkComplaints(file)).toEqual([]);
    const [body] = exportedBodies(file)
      .map(String)
      .filter((text) => text.startsWith('head'));
    expect(body).toHaveLength(108);
    expect(body).toContain('[tapes: 100 bytes are missing here]');
    const comments = tsharkFields(
      file,
      'frame.comment contains "missing here"',
      'frame.comment',
      'frame.len',
      'frame.cap_len',
    );
    expect(comments).toEqual([
      ['100 bytes are missing here: too much was waiting', '140', '140'],
      ['5000000 bytes are missing here: too much was waiting', '60040', '40'],
    ]);
  });

  it.each(['agent', 'upstream'] as const)(
    'says of an answer that is cut short of its length (by the %s) what there is, and how Wireshark shows it',
    async (by) => {
      const script = new WireScript();
      script.post('c1', { httpVersion: '1.1', client, headers: [['Content-Length', '2']] }, 'hi');
      script
        .head('c1', { status: 503, headers: [['Content-Length', '100']] })
        .data('c1', 'x'.repeat(40))
        .abort('c1', by);
      const file = await pcapng(script.events, false);
      expect(tsharkComplaints(file)).toEqual([]);
      const [end] = tsharkFields(file, 'tcp.flags.fin == 1 || tcp.flags.reset == 1', 'frame.comment');
      expect(end![0]).toContain('the answer, status 503, is 60 bytes short of its content-length');
      // As it is, the status is in the packet's bytes and in no field.
      expect(httpMessages(file).map(({ status }) => status)).toEqual(['']);
      const shown = tshark(file, '-o', 'http.desegment_body:FALSE', '-Y', 'http.response.code == 503');
      expect(shown).toHaveLength(1);
    },
  );

  it('says where it comes from, and names the hosts', async () => {
    const script = new WireScript();
    script.call('aaaa1').answer('aaaa1', plainAnswer('done'));
    const file = await pcapng(script.events, false);
    const facts = runTool('capinfos', file);
    for (const fact of [
      'pcapng',
      'nanoseconds (9)',
      'Raw IP',
      'tapes 0.1.0',
      'Linux 6.1',
      'x64',
      'codex exec "list the files" on devbox, run run1',
    ]) {
      expect(facts).toContain(fact);
    }
    expect(
      tshark(file, '-q', '-z', 'hosts').some((line) => line.includes('192.0.2.1') && line.includes('chatgpt.com')),
    ).toBe(true);
  });

  it('is complete by itself where it goes on in a second file', async () => {
    const script = new WireScript();
    script
      .call('aaaa1')
      .head('aaaa1', { headers: [['content-type', 'text/event-stream']] })
      .data('aaaa1', sse({ type: 'one' }));
    const writer = new PcapngWriter({ origin: originOfTests, labelOf: labelOfTests, hasProviderLeg: true });
    const first = [writer.start(), ...script.events.map((event) => writer.write(event)), writer.finish()];
    const rest = new WireScript(script.now.at + 50);
    rest.data('aaaa1', sse({ type: 'two' })).end('aaaa1');
    const second = [writer.start(), ...rest.events.map((event) => writer.write(event)), writer.finish()];
    for (const parts of [first, second])
      expect(tsharkComplaints(dumpFile('part.pcapng', Buffer.concat(parts)))).toEqual([]);
    const file = dumpFile('second.pcapng', Buffer.concat(second));
    expect(tsharkFields(file, 'tcp.flags.syn == 1 && tcp.flags.ack == 0', 'frame.comment')).toEqual([
      ['goes on from the file before'],
      ['goes on from the file before'],
    ]);
    expect(httpMessages(file).map(({ method, status }) => method || status)).toEqual(['POST', 'POST', '200', '200']);
    expect(exportedBodies(file).map(String)).toContain(sse({ type: 'two' }));
  });
});

describe('random traffic', () => {
  it.each(Array.from({ length: 24 }, (_, seed) => seed))('of seed %i is read by tshark as it was', async (seed) => {
    const { script, expected } = randomTraffic(seed);
    const file = await pcapng(script.events);
    expect(tsharkComplaints(file)).toEqual([]);
    const agentSide = httpMessages(file).filter(({ leg }) => leg === 'agent');
    const requests = agentSide.filter(({ method }) => method !== '').map(({ method, uri }) => `${method} ${uri}`);
    // Of a request that was cut before its body was complete, tshark shows nothing.
    const whole = expected.filter(({ status }) => status !== null).map(({ method, path }) => `${method} ${path}`);
    expect(requests).toEqual(expect.arrayContaining(whole));
    const statuses = agentSide.flatMap(({ status }) => (status === '' ? [] : [status])).sort();
    const wholeStatuses = expected.flatMap(({ status, isCut }) => (isCut ? [] : [String(status)])).sort();
    for (const status of new Set(wholeStatuses)) {
      const count = (list: readonly string[]): number => list.filter((one) => one === status).length;
      expect(count(statuses)).toBeGreaterThanOrEqual(count(wholeStatuses));
    }
  });
});
