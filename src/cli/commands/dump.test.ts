// `tapes dump` as it is typed: the same requests, statuses and bodies as the database has, and no secret.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompress } from 'http-encoding';
import { beforeAll, describe, expect, it } from 'vitest';

import { runCommand } from '../../../test/support/command-line.ts';
import { recordScript } from '../../../test/support/record-script.ts';
import { exportedBodies, httpMessages, tshark, tsharkComplaints, tsharkFields } from '../../../test/support/tshark.ts';
import { codexRequest, completed, created, plainAnswer, requestHead } from '../../../test/support/wire-script.ts';
import { TapesError } from '../../errors.ts';
import { Connection } from '../../store/connection.ts';
import { decodeBody } from '../../wire/index.ts';

const token = 'token-of-the-test-that-is-secret-0123456789';
let home: string;
let folder: string;
let packedBytes: number;
let calls: Record<string, { request: string; response: string }>;

const dump = (...words: string[]): ReturnType<typeof runCommand> => runCommand('dump', ...words, '--home', home);
const raw = async (id: string, side: string): Promise<string> =>
  (await runCommand('raw', id, `--${side}`, '--home', home)).stdout;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tapes-dump-home-'));
  folder = mkdtempSync(join(tmpdir(), 'tapes-dump-'));
  const { headers, body } = codexRequest({
    token,
    body: { instructions: `Be kind. My token is ${token}. `.repeat(30) },
  });
  const packed = await zstdCompress(Buffer.from(JSON.stringify(body)), 3);
  packedBytes = packed.length;
  const zstdHeaders = [...headers, ['Content-Encoding', 'zstd'], ['Content-Length', String(packed.length)]] as const;
  const socketHeaders = [...headers, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']] as const;
  const accepted = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ] as const;
  const { report } = await recordScript(
    (script) => {
      script.post('aaaa1', { httpVersion: '1.1', headers: zstdHeaders }, packed).wait(40);
      script.answer('aaaa1', plainAnswer(`Your token is ${token}. Yes.`), [
        ['Content-Type', 'text/event-stream'],
        ['Transfer-Encoding', 'chunked'],
      ]);
      script.wait(5).call('aaaa2', { token }).wait(5).call('aaaa3', { token, thread: 'thread-b' }).wait(20);
      script.head('aaaa3', { headers: [['content-type', 'text/event-stream']] }).head('aaaa2', {
        status: 429,
        reason: 'Too Many Requests',
        headers: [
          ['content-type', 'application/json'],
          ['content-length', '24'],
        ],
      });
      script
        .wait(5)
        .data('aaaa2', '{"error":{"message":""}}')
        .end('aaaa2')
        .data('aaaa3', 'data: cut')
        .abort('aaaa3', 'upstream');
      script.add({
        type: 'upgradeRefused',
        exchangeId: 'bbbb1',
        status: 426,
        request: requestHead({ method: 'GET', scheme: 'wss', httpVersion: '1.1', headers: socketHeaders }),
      });
      script
        .wait(5)
        .post(
          'cccc1',
          { method: 'GET', path: '/backend-api/me?access_token=abcdefgh12345678', headers: headers.slice(-2) },
          '',
        );
      script
        .head('cccc1', { headers: [['content-length', '9']] })
        .data('cccc1', 'not kept!')
        .end('cccc1');
      const request = requestHead({
        method: 'GET',
        scheme: 'wss',
        httpVersion: '1.1',
        headers: socketHeaders,
        path: '/v1/responses',
      });
      script.wait(5).add({
        type: 'socketOpened',
        exchangeId: 'dddd1',
        request,
        response: { status: 101, reason: 'Switching Protocols', headers: accepted },
      });
      const message = (from: string, json: object): void =>
        void script.wait(3).add({
          type: 'socketMessage',
          exchangeId: 'dddd1',
          from,
          isBinary: false,
          data: Buffer.from(JSON.stringify(json)),
        });
      message('agent', { type: 'response.create', ...codexRequest({ token, turn: 'turn-w' }).body });
      message('upstream', created('resp_w'));
      message('upstream', completed('resp_w'));
      script.add({ type: 'socketClosed', exchangeId: 'dddd1', code: 1000, reason: '' });
    },
    { dbFile: join(home, 'tapes.db') },
  );
  expect(report.problems).toEqual([]);
  calls = {};
  for (const id of ['aaaa1', 'aaaa2', 'aaaa3'])
    calls[id] = { request: await raw(id, 'request'), response: await raw(id, 'response') };
  return () => {
    rmSync(home, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
});

describe('tapes dump', () => {
  it('writes a run as pcapng: tshark finds the requests, statuses and bodies of the database', async () => {
    const file = join(folder, 'run.pcapng');
    const { error, stderr } = await dump(await runId(), '-o', file);
    expect(error).toBeNull();
    expect(stderr).toMatch(/^tapes: wrote 6 exchanges to .*run\.pcapng, [\d,]+ bytes\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(tsharkComplaints(file)).toEqual([]);
    const messages = httpMessages(file).map(({ method, uri, status }) => `${method}${status} ${uri}`.trim());
    // Of the answer that was cut, tshark shows no more than its segments.
    expect(messages.sort()).toEqual([
      '101',
      '200',
      '200',
      '426',
      '429',
      'GET /backend-api/codex/responses',
      expect.stringMatching(/^GET \/backend-api\/me\?access_token=masked:[0-9a-f]{8}\*$/),
      'GET /v1/responses',
      'POST /backend-api/codex/responses',
      'POST /backend-api/codex/responses',
      'POST /backend-api/codex/responses',
    ]);
    const bodies = exportedBodies(file).map(String);
    expect(bodies).toContain(calls['aaaa1']!.response);
    for (const id of ['aaaa1', 'aaaa2', 'aaaa3']) expect(bodies).toContain(calls[id]!.request);
    expect(bodies).toContain(calls['aaaa2']!.response);
    expect(tsharkFields(file, 'websocket', 'websocket.opcode')).toEqual([['1'], ['1'], ['1'], ['8']]);
    const comments = tsharkFields(file, 'frame.comment contains "tapes show aaaa1"', 'frame.comment');
    expect(comments[0]![0]).toContain('call aaaa1 of turn turn-aaaa-1');
  });

  it('takes zstd off, which tshark 4.0 does not know, and says so in the head', async () => {
    const file = join(folder, 'decoded.pcapng');
    expect((await dump('aaaa1', '-o', file)).error).toBeNull();
    expect(exportedBodies(file).map(String).sort()).toEqual(Object.values(calls['aaaa1']!).sort());
    const [[head = ''] = []] = tsharkFields(file, 'http.request', 'http.request.line');
    for (const line of [
      'x-tapes-Content-Encoding: zstd',
      `x-tapes-Content-Length: ${packedBytes}`,
      'transfer-encoding: chunked',
    ]) {
      expect(head).toContain(line);
    }
  });

  it('keeps a compressed request compressed where that is asked for: masked, and at its length', async () => {
    const file = join(folder, 'call.pcapng');
    expect((await dump('aaaa1', '-o', file, '--dump-zstd')).error).toBeNull();
    const asItIs = ['-o', 'http.decompress_body:FALSE', '-Y', 'http.request', '-T', 'fields', '-e'];
    expect(tshark(file, ...asItIs, 'http.content_encoding', '-e', 'http.content_length_header')).toEqual([
      `zstd\t${packedBytes}`,
    ]);
    const [hex = ''] = tshark(file, ...asItIs, 'data.data');
    const packed = Buffer.from(hex, 'hex');
    expect(packed).toHaveLength(packedBytes);
    expect(Buffer.from((await decodeBody(packed, 'zstd')).bytes).toString()).toBe(calls['aaaa1']!.request);
    expect(tsharkFields(file, 'frame.comment contains "put back under zstd"', 'frame.comment')).toHaveLength(1);
    expect(tsharkFields(file, 'frame.comment contains "instead of"', 'frame.comment')).toEqual([]);
  });

  it('writes a session as HAR, with the bodies of the database', async () => {
    const { stdout, error } = await dump('last', '--format', 'har');
    expect(error).toBeNull();
    const { entries } = (
      JSON.parse(stdout) as {
        log: {
          entries: {
            request: { postData?: { text: string } };
            response: { content: { text: string } };
            _tapes: { callId: string };
          }[];
        };
      }
    ).log;
    for (const [id, { request, response }] of Object.entries(calls)) {
      const entry = entries.find(({ _tapes }) => _tapes.callId === id);
      expect(entry?.request.postData?.text).toBe(request);
      expect(entry?.response.content.text).toBe(response);
    }
  });

  it('writes text that grep finds things in', async () => {
    const { stdout } = await dump(await runId());
    expect(stdout).toMatch(/ aaaa2 {4}< 429 Too Many Requests$/m);
    expect(stdout).toMatch(/ bbbb1 {4}< 426 by tapes/m);
    expect(stdout).toMatch(/ cccc1 {4}! 9 bytes of the response are missing: only calls keep their bodies$/m);
    expect(stdout).toMatch(/^ {6}"model": "gpt-6.1-sol",$/m);
    expect(stdout).toMatch(/^ {4}event: response.completed$/m);
    const { stdout: short } = await dump(await runId(), '--dump-bodies', 'none');
    expect(short.length).toBeLessThan(stdout.length / 2);
    expect(short).not.toContain('gpt-6.1-sol');
  });

  it('never holds a secret, in no format', async () => {
    const run = await runId();
    for (const format of ['pcapng', 'har', 'text']) {
      const file = join(folder, `secret.${format}`);
      expect((await dump(run, '--format', format, '-o', file)).error).toBeNull();
      const bytes = readFileSync(file);
      for (const form of [token, Buffer.from(token).toString('base64').replaceAll('=', ''), 'abcdefgh12345678']) {
        expect(bytes.includes(form)).toBe(false);
      }
      expect(bytes.includes('masked:')).toBe(true);
    }
  });

  it('replaces a file only with --force, and leaves none where it fails', async () => {
    const file = join(folder, 'there.txt');
    writeFileSync(file, 'mine');
    const { error } = await dump('last', '-o', file);
    expect(error).toMatchObject({ code: 'E_FILE_EXISTS' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await dump('last', '-o', file, '--force')).error).toBeNull();
    expect(readFileSync(file, 'utf8')).toMatch(/^# tapes /);
    expect((await dump('nope', '-o', join(folder, 'none.har'))).error).toMatchObject({ code: 'E_NOT_FOUND' });
    expect(existsSync(join(folder, 'none.har'))).toBe(false);
    expect((await dump('last', '-o', join(folder, 'no-folder', 'a.har'))).error).toMatchObject({
      code: 'E_FILE_UNUSABLE',
    });
  });

  it('says which formats and bodies there are', async () => {
    const { error } = await dump('last', '--format', 'pcap');
    expect(error).toBeInstanceOf(TapesError);
    expect(error).toMatchObject({
      code: 'E_USAGE',
      message: '--format pcap is not known: tapes dumps pcapng, har, text',
    });
    expect((await dump('last', '--dump-bodies', 'half')).error).toMatchObject({ code: 'E_USAGE' });
  });

  it('tells the times of a WebSocket, and of chunks, as they were', async () => {
    const { stdout } = await dump(await runId(), '--format', 'har');
    const { entries } = (JSON.parse(stdout) as { log: { entries: TimedEntry[] } }).log;
    const times = entries.flatMap(({ _webSocketMessages: messages = [] }) => messages.map(({ time }) => time * 1000));
    expect(times).toHaveLength(3);
    expect(times[1]! - times[0]!).toBeCloseTo(3, 2);
    expect(times[2]! - times[1]!).toBeCloseTo(3, 2);
    const { _tapes, timings } = entries.find(({ _tapes: { callId } }) => callId === 'aaaa1')!;
    expect(_tapes.chunks!.map(([ms]) => ms)).toEqual(_tapes.chunks!.map((_, at) => 40 + 10 * (at + 1)));
    expect(timings.receive).toBeCloseTo(10 * _tapes.chunks!.length + 1, 2);
  });

  it('says of a recording of before what it does not have', async () => {
    const connection = await Connection.open(join(home, 'tapes.db'), 'write');
    await connection.exec('UPDATE bodies SET chunk_times = NULL; UPDATE exchanges SET started_us = NULL');
    await connection.close();
    const { stdout } = await dump(await runId());
    expect(stdout).toContain('the times of its chunks were not kept: written as of its end');
    const file = join(folder, 'before.pcapng');
    expect((await dump(await runId(), '-o', file)).error).toBeNull();
    expect(tsharkComplaints(file)).toEqual([]);
    expect(new Set(httpMessages(file).map(({ leg }) => leg))).toEqual(new Set(['agent']));
  });
});

interface TimedEntry {
  readonly timings: { readonly receive: number };
  readonly _webSocketMessages?: readonly { readonly time: number }[];
  readonly _tapes: { readonly callId?: string; readonly chunks?: readonly [number, number][] };
}

async function runId(): Promise<string> {
  const { stdout } = await runCommand('runs', '--json', '--home', home);
  return (JSON.parse(stdout) as { id: string }[])[0]!.id;
}
