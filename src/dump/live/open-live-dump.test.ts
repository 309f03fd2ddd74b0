// A live dump with its thread: what goes in is in the files, and when too much comes, that is what they say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { freshDumpFolder, originOfTests } from '../../../test/support/dump-script.ts';
import { randomTraffic } from '../../../test/support/random-traffic.ts';
import { tsharkComplaints, tsharkFields } from '../../../test/support/tshark.ts';
import {
  completed,
  created,
  codexRequest,
  plainAnswer,
  requestHead,
  WireScript,
} from '../../../test/support/wire-script.ts';
import { openDumpFile, openLiveDump, type DumpFormat, type DumpReport } from '../index.ts';

const token = 'token-of-the-test-0123456789';

async function dump(
  script: WireScript,
  names: readonly string[],
  limitBytes?: number,
): Promise<{ files: string[]; report: DumpReport; pushMs: number; writeMs: number }> {
  const folder = freshDumpFolder();
  const files = names.map((name) => join(folder, name));
  const formats: Record<string, DumpFormat> = { pcapng: 'pcapng', har: 'har', txt: 'text' };
  const live = openLiveDump(
    {
      agent: 'codex',
      origin: { ...originOfTests, command: `codex --token ${token}` },
      maskKey: Buffer.alloc(32, 7),
      secrets: [token],
      keepSecrets: false,
      targets: files.map((file) => ({ format: formats[file.split('.').at(-1)!]!, target: openDumpFile(file, false) })),
      tlsTarget: null,
      bodies: 'full',
      keepZstd: false,
    },
    limitBytes,
  );
  const began = performance.now();
  for (const event of script.events) live.push(event);
  const pushed = performance.now();
  const report = await live.close();
  return { files, report, pushMs: pushed - began, writeMs: performance.now() - pushed };
}

describe('a live dump', () => {
  it('has all that was pushed, labelled and masked, in every file', async () => {
    const script = new WireScript();
    script.call('aaaa1', { token }).answer('aaaa1', plainAnswer(`Your token is ${token}.`));
    const headers = [...codexRequest({ token }).headers, ['Upgrade', 'websocket'], ['Connection', 'Upgrade']] as const;
    const request = requestHead({ method: 'GET', scheme: 'wss', httpVersion: '1.1', path: '/v1/responses', headers });
    const response = {
      status: 101,
      reason: 'Switching Protocols',
      headers: [
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
      ],
    };
    script.add({ type: 'socketOpened', exchangeId: 'bbbb1', request, response });
    const message = (from: string, json: object): void =>
      void script.wait(1).add({
        type: 'socketMessage',
        exchangeId: 'bbbb1',
        from,
        isBinary: false,
        data: Buffer.from(JSON.stringify(json)),
      });
    message('agent', { type: 'response.create', ...codexRequest({ token, turn: 'turn-w' }).body });
    message('upstream', created());
    message('upstream', completed());
    const { files, report } = await dump(script, ['a.pcapng', 'a.har', 'a.txt']);
    expect(report).toMatchObject({ dropped: 0, files: [{ problem: null }, { problem: null }, { problem: null }] });
    const [pcapng = '', har = '', txt = ''] = files;
    for (const file of files) expect(readFileSync(file).includes(token)).toBe(false);
    expect(tsharkComplaints(pcapng)).toEqual([]);
    const comments = tsharkFields(pcapng, 'frame.comment contains "tapes show"', 'frame.comment')
      .map(([text]) => text)
      .join('\n');
    expect(comments).toContain('call aaaa1 of turn turn-aaaa-1');
    expect(comments).toContain('call bbbb1.1 of turn turn-w · tapes show bbbb1.1');
    expect((JSON.parse(readFileSync(har, 'utf8')) as { log: { entries: unknown[] } }).log.entries).toHaveLength(2);
    expect(readFileSync(txt, 'utf8')).toMatch(/^# tapes 0\.1\.0: codex --token masked:[0-9a-f]{8}\*+ on devbox/);
  });

  it('drops, counts and tells what is too much, and keeps what comes after it', async () => {
    const script = new WireScript();
    const headers = [
      ['content-length', '3000000'],
      ['content-type', 'text/plain'],
    ] as const;
    script.post('aaaa1', { httpVersion: '1.1', headers: [['content-length', '0']] }, '').head('aaaa1', { headers });
    // All at once, so that the thread has no time: only the first of these fit.
    for (let at = 0; at < 30; at += 1) script.data('aaaa1', Buffer.alloc(100_000, 'x'));
    script.end('aaaa1');
    const { files, report } = await dump(script, ['a.pcapng', 'a.txt', 'a.har'], 1_000_000);
    expect(report.dropped).toBeGreaterThan(15);
    const missing = report.dropped * 100_000;
    const [pcapng = '', txt = '', har = ''] = files;
    expect(tsharkComplaints(pcapng)).toEqual([]);
    expect(tsharkFields(pcapng, 'frame.comment contains "bytes are missing"', 'frame.comment')[0]).toEqual([
      `${missing} bytes are missing here: too much was waiting to be written`,
    ]);
    // The end is there, and where it should be.
    expect(
      tsharkFields(pcapng, 'frame.interface_name == "agent" && tcp.flags.fin == 1 && tcp.srcport == 80', 'tcp.seq'),
    ).toEqual([
      [String(3_000_000 + 1 + 'HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\ncontent-type: text/plain\r\n\r\n'.length)],
    ]);
    expect(readFileSync(txt, 'utf8')).toContain(
      `aaaa1    ! ${missing} bytes of the response are missing: too much was waiting`,
    );
    const { log } = JSON.parse(readFileSync(har, 'utf8')) as {
      log: { entries: { response: object; comment: string }[] };
    };
    expect(log.entries).toHaveLength(1);
    expect(log.entries[0]!.comment).toContain(`${missing} bytes of the response are missing: too much was waiting`);
    expect(log.entries[0]!.response).toMatchObject({
      bodySize: 3_000_000,
      content: { text: 'x'.repeat(3_000_000 - missing), comment: `${missing} bytes are missing` },
    });
  });

  it.each(['a.pcapng', 'a.har', 'a.txt'])('as %s costs whoever pushes less than the writing of it', async (name) => {
    const script = new WireScript();
    script.post('aaaa1', { headers: [] }, '').head('aaaa1');
    for (let at = 0; at < 300; at += 1) script.data('aaaa1', Buffer.from(`data: ${at} ${'text '.repeat(20_000)}\n\n`));
    script.end('aaaa1');
    const { report, pushMs, writeMs } = await dump(script, [name], 100_000_000);
    // All of it: what was pushed at once is written behind it. Both are times of this very run, so that a busy machine has no say.
    expect(report).toMatchObject({ dropped: 0, files: [{ problem: null }] });
    expect(report.files[0]!.bytes).toBeGreaterThan(30_000_000);
    expect(pushMs).toBeLessThan(writeMs);
  });

  it.each(['a.pcapng', 'a.har', 'a.txt'])('tells in %s that whole events are missing', async (name) => {
    const script = new WireScript();
    script.post('aaaa1', { headers: [['content-length', '0']] }, '').head('aaaa1');
    // Heads are worth more than bodies: they are let in up to twice the limit, and then counted.
    for (let at = 0; at < 400; at += 1) script.post(`bbbb${at}`, { headers: [['x-long', 'y'.repeat(1000)]] }, '');
    // Nothing comes behind them: the end tells.
    const { files, report } = await dump(script, [name], 100_000);
    expect(report.dropped).toBeGreaterThan(100);
    if (name.endsWith('pcapng')) {
      expect(tsharkComplaints(files[0]!)).toEqual([]);
      expect(droppedOf(readFileSync(files[0]!))).toBe(report.dropped);
    }
    const told = [...readFileSync(files[0]!, 'utf8').matchAll(/(\d+) events are missing/g)].map(([, count]) =>
      Number(count),
    );
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(report.dropped);
  });

  it.each([101, 102, 103])(
    'of random traffic (seed %i) gives files that tshark and a JSON reader accept',
    async (seed) => {
      const { script, expected } = randomTraffic(seed);
      const { files, report } = await dump(script, ['a.pcapng', 'a.har', 'a.txt']);
      expect(report).toMatchObject({ dropped: 0, files: [{ problem: null }, { problem: null }, { problem: null }] });
      expect(tsharkComplaints(files[0]!)).toEqual([]);
      const { log } = JSON.parse(readFileSync(files[1]!, 'utf8')) as { log: { entries: unknown[] } };
      expect(log.entries).toHaveLength(expected.length);
    },
  );
});

/** What the interface statistics of a pcapng say was dropped (block type 5, option 5: isb_ifdrop). */
function droppedOf(file: Buffer): number {
  let dropped = 0;
  for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) !== 5) continue;
    const end = at + file.readUInt32LE(at + 4) - 4;
    for (let option = at + 20; option < end; option += 4 + Math.ceil(file.readUInt16LE(option + 2) / 4) * 4) {
      if (file.readUInt16LE(option) === 5) dropped += Number(file.readBigUInt64LE(option + 4));
    }
  }
  return dropped;
}
