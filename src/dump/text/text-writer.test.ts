// The text form: what a person reads and what grep finds.
import { zstdCompress } from 'http-encoding';
import { describe, expect, it } from 'vitest';

import { labelOfTests, originOfTests, writeDump } from '../../../test/support/dump-script.ts';
import { randomTraffic } from '../../../test/support/random-traffic.ts';
import { requestHead, WireScript } from '../../../test/support/wire-script.ts';
import type { DumpEvent, ShownBodies } from '../index.ts';
import { TextWriter } from './text-writer.ts';

async function text(events: readonly DumpEvent[], bodies: ShownBodies = 'full'): Promise<string> {
  return (await writeDump(new TextWriter({ origin: originOfTests, labelOf: labelOfTests, bodies }), events)).toString();
}

describe('a text dump', () => {
  it('shows megabytes of one byte in a few lines, and no sign that turns text round', async () => {
    const script = new WireScript();
    script
      .post('aaaa1', { headers: [] }, '')
      .head('aaaa1')
      .data('aaaa1', new Uint8Array(8 * 2 ** 20));
    script.data('aaaa1', '\u202edrowkcab\n').end('aaaa1');
    const lines = (await text(script.events)).split('\n').filter((line) => line.startsWith('    '));
    expect(lines.map((line) => line.trim().slice(0, 15))).toEqual([
      '000000  00 00 0',
      '*',
      '7ffff0  00 00 0',
      '\\u202edrowkcab',
    ]);
  });

  it('has one event a line, with absolute and relative times, then headers, then bodies', async () => {
    const body = await zstdCompress(
      Buffer.from('{"model":"m","big":12345678901234567890,"input":[],"n":{"a":1.0}}'),
      3,
    );
    const script = new WireScript();
    script.post(
      'aaaa1bbbb2',
      {
        headers: [
          ['Content-Type', 'application/json'],
          ['content-encoding', 'zstd'],
        ],
      },
      body,
    );
    script.wait(1234.567).head('aaaa1bbbb2', { headers: [['content-type', 'text/event-stream']] });
    script.data('aaaa1bbbb2', 'data: hé').wait(10).data('aaaa1bbbb2', 'llo\n\ndata: \u001b[31m\n\n').end('aaaa1bbbb2');
    expect(await text(script.events)).toBe(`# tapes 0.1.0: codex exec "list the files" on devbox, run run1
2026-11-23T12:00:00.000000Z +   0.000000 aaaa1bbb > POST https://chatgpt.com/backend-api/codex/responses HTTP/2.0 call=aaaa1bbbb2 turn=turn1
    Content-Type: application/json
    content-encoding: zstd
2026-11-23T12:00:00.000000Z +   0.000000 aaaa1bbb > ${body.length} bytes
    {
      "model": "m",
      "big": 12345678901234567890,
      "input": [],
      "n": {
        "a": 1.0
      }
    }
2026-11-23T12:00:00.000000Z +   0.000000 aaaa1bbb > end
2026-11-23T12:00:01.234567Z +   1.234567 aaaa1bbb < 200 OK
    content-type: text/event-stream
2026-11-23T12:00:01.234567Z +   1.234567 aaaa1bbb < 9 bytes
2026-11-23T12:00:01.244567Z +   1.244567 aaaa1bbb < 18 bytes
    000000  64 61 74 61 3a 20 68 c3  a9 6c 6c 6f 0a 0a 64 61  data: h..llo..da
    000010  74 61 3a 20 1b 5b 33 31  6d 0a 0a                 ta: .[31m..
2026-11-23T12:00:01.244567Z +   1.244567 aaaa1bbb < end
`);
  });

  it('shows text as lines, however it was cut, and bytes in hex', async () => {
    const script = new WireScript();
    script
      .post('aaaa1', { headers: [] }, '')
      .head('aaaa1')
      .data('aaaa1', 'data: one\nda')
      .data('aaaa1', 'ta: two\n\nend')
      .end('aaaa1');
    script
      .post('aaaa2', { headers: [] }, '')
      .head('aaaa2')
      .data(
        'aaaa2',
        Uint8Array.from({ length: 18 }, (_, at) => at),
      )
      .end('aaaa2');
    const lines = (await text(script.events)).split('\n').filter((line) => line.startsWith('    '));
    expect(lines).toEqual([
      '    data: one',
      '    data: two',
      '    ',
      '    end',
      '    000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................',
      '    000010  10 11                                             ..',
    ]);
  });

  it('leaves bodies out, or all but their beginning, where that is asked for', async () => {
    const script = new WireScript();
    script.post(
      'aaaa1',
      { headers: [['content-type', 'application/json']] },
      JSON.stringify({ input: 'x'.repeat(5000), last: 'the end' }),
    );
    script
      .head('aaaa1')
      .data('aaaa1', `first line\n${'y'.repeat(900)}\n`)
      .data('aaaa1', `${'z'.repeat(900)}\nlast line\n`)
      .end('aaaa1');
    const none = await text(script.events, 'none');
    const full = await text(script.events, 'full');
    for (const word of ['input', 'first line', 'last line', 'the end']) expect(none).not.toContain(word);
    expect(none).toContain('< 912 bytes');
    const head = await text(script.events, 'head');
    for (const word of ['{\n', 'first line']) expect(head).toContain(word);
    for (const word of ['last line', 'the end']) expect(head).not.toContain(word);
    // What is left out is told: of the request, and of the answer at its end.
    expect(head).toContain('      "input": "xxxx');
    expect(head).toContain('    … (5,029 bytes in all)\n');
    expect(head).toContain('    … (1,823 bytes in all)\n');
    expect(full).not.toContain('bytes in all');
    for (const word of ['input', 'first line', 'last line', 'the end']) expect(full).toContain(word);
  });

  it('fits 80 columns where it shows bytes, and folds no line of text', async () => {
    const script = new WireScript();
    const bytes = Uint8Array.from({ length: 1500 }, (_, at) => at % 251);
    const line = `"needle ${'x'.repeat(500)} haystack"`;
    script
      .post('aaaa1', { headers: [['content-type', 'application/json']] }, line)
      .head('aaaa1')
      .data('aaaa1', bytes)
      .end('aaaa1');
    const lines = (await text(script.events)).split('\n');
    const rows = lines.filter((shown) => /^    [0-9a-f]{6}  /.test(shown));
    expect(rows).toHaveLength(Math.ceil(bytes.length / 16));
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
    expect(lines).toContain(`    ${line}`);
  });

  it.each(['\u00e9', '\u20ac', '\u{1f600}'])('shows a head that ends in the middle of %s as text', async (sign) => {
    for (let before = 1020; before < 1025; before += 1) {
      const script = new WireScript();
      script
        .post('aaaa1', { headers: [] }, '')
        .head('aaaa1')
        .data('aaaa1', `${'a'.repeat(before)}${sign}bcd`)
        .end('aaaa1');
      const head = await text(script.events, 'head');
      expect(head).toMatch(/^ {4}a{1020}/m);
      expect(head).toContain(` bytes in all)`);
    }
  });

  it('tells of sockets, tunnels, refusals, failures and what is missing', async () => {
    const script = new WireScript();
    const request = requestHead({ scheme: 'wss', method: 'GET' });
    script.add({ type: 'upgradeRefused', exchangeId: 'w1', request, status: 426 });
    script.add({
      type: 'socketOpened',
      exchangeId: 'w2',
      request,
      response: { status: 101, reason: 'Switching Protocols', headers: [['a', 'b']] },
    });
    script.add({
      type: 'socketMessage',
      exchangeId: 'w2',
      from: 'agent',
      isBinary: false,
      data: Buffer.from('{"a":[1,2]}'),
    });
    script.add({ type: 'socketClosed', exchangeId: 'w2', code: null, reason: '' });
    script.add({ type: 'tunnelClosed', tunnelId: 't1', host: 'github.com', port: 443, sentBytes: 5, receivedBytes: 7 });
    script.add({ type: 'tlsFailed', host: 'chatgpt.com', cause: 'cert-rejected' });
    script.post('aaaa1', {}, 'x').abort('aaaa1', 'upstream', { code: 'ECONNRESET', message: 'gone\u0007' });
    script.add({ type: 'eventsMissing', events: 2, why: 'too much was waiting' });
    const dump = await text(script.events);
    for (const line of [
      'w1       < 426 by tapes: the upgrade is refused',
      'w2       > text message, 11 bytes\n    {\n      "a": [\n        1,\n        2\n      ]\n    }\n',
      'w2       ! dropped',
      't1       = tunnel to github.com:443 closed: 5 bytes sent, 7 received',
      '-------- ! TLS with the agent failed for chatgpt.com: cert-rejected',
      'aaaa1    ! aborted by upstream: ECONNRESET gone\\x07',
      '-------- ! 2 events are missing: too much was waiting',
    ]) {
      expect(dump).toContain(line);
    }
  });

  it.each([1, 2, 3, 4])('of random traffic (seed %i) never holds what a terminal would act on', async (seed) => {
    const dump = await text(randomTraffic(seed).script.events);
    expect(dump).not.toMatch(/[^\P{Cc}\t\n]/u);
    expect(dump.split('\n').length).toBeGreaterThan(5);
  });
});
