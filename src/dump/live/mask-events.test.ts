// Masked events: as long as they were, in the chunks and at the times in which they came, and without the secret, however it was cut.
import { zstdCompress } from 'http-encoding';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { chunkings, cutIntoChunks } from '../../../test/support/chunks.ts';
import { randomTraffic } from '../../../test/support/random-traffic.ts';
import { requestHead, WireScript } from '../../../test/support/wire-script.ts';
import { Vault } from '../../redact/index.ts';
import type { RawHeaders } from '../../domain/index.ts';
import { decodeBody, fitBody } from '../../wire/index.ts';
import type { DumpEvent } from '../dump-event.ts';
import { EventMasker } from './mask-events.ts';

const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';
const headers = [
  ['authorization', `Bearer ${secret}`],
  ['content-type', 'application/json'],
] as const;

async function mask(events: readonly DumpEvent[]): Promise<DumpEvent[]> {
  const masker = new EventMasker(new Vault(Buffer.alloc(32, 7), { keepsLengths: true }));
  const masked: DumpEvent[] = [];
  for (const event of events) masked.push(...(await masker.apply(event)));
  return masked;
}

const bodyOf = (events: readonly DumpEvent[], type: 'requestData' | 'responseData'): Buffer =>
  Buffer.concat(events.flatMap((event) => (event.type === type ? [event.data] : [])));
const shapeOf = (events: readonly DumpEvent[]): unknown[] =>
  events.map((event) => [event.type, event.mono, 'data' in event ? event.data.length : 0]);

describe('a plain body', () => {
  it('keeps its chunks and their times, and no part of a secret that is cut between them', async () => {
    const text = `data: the token is ${secret}, again: ${secret}\n\ndata: end ${secret.slice(0, 9)}`;
    for (const { name, chunks } of chunkings(Buffer.from(text))) {
      const script = new WireScript();
      script.post('a', { headers }, '{}').head('a');
      for (const chunk of chunks) script.wait(3).data('a', chunk);
      script.wait(3).end('a');
      const masked = await mask(script.events);
      expect(shapeOf(masked), `with ${name}`).toEqual(shapeOf(script.events));
      const body = bodyOf(masked, 'responseData').toString();
      expect(body).not.toContain(secret);
      expect(body).toMatch(
        /^data: the token is masked:[0-9a-f]{8}\*+, again: masked:[0-9a-f]{8}\*+\n\ndata: end Zx81q7Lm9$/,
      );
    }
  });

  it('that is cut off gives what was held back', async () => {
    const script = new WireScript();
    script
      .post('a', { headers }, '{}')
      .head('a')
      .data('a', `tail ${secret.slice(0, 12)}`)
      .abort('a', 'agent');
    expect(bodyOf(await mask(script.events), 'responseData').toString()).toBe(`tail ${secret.slice(0, 12)}`);
  });
});

describe('heads', () => {
  it('are as long as they were', async () => {
    const script = new WireScript();
    const given = [
      ['Authorization', `Bearer   ${secret}`],
      ['Cookie', `a=${secret}; b="Other-Secret-Value-77"`],
      ['X-Api-Key', 'short'],
      ['x-debug', `token was ${secret}`],
    ] as const;
    const path = `/v1?access_token=${secret}%2Fx&q=1`;
    script
      .post('a', { headers: given, path }, '')
      .head('a', { headers: [['Set-Cookie', `id=${secret}; Path=/`]], reason: secret });
    const masked = await mask(script.events);
    const sizes = (events: readonly DumpEvent[]): unknown =>
      events.flatMap((event) => {
        if (event.type === 'requestStarted')
          return [event.request.path.length, event.request.headers.map(([, value]) => value.length)];
        if (event.type === 'responseStarted')
          return [event.response.reason.length, event.response.headers.map(([, value]) => value.length)];
        return [];
      });
    expect(sizes(masked)).toEqual(sizes(script.events));
    const text = JSON.stringify(masked);
    for (const part of [secret, 'Other-Secret', 'short']) expect(text).not.toContain(part);
    expect(text).toMatch(/"Bearer {3}masked:[0-9a-f]{8}\*{7}"/);
  });
});

describe('an encoded body', () => {
  const json = JSON.stringify({ token: secret, text: 'and so on '.repeat(50) });
  const cases: [encoding: string, bytes: () => Promise<Uint8Array> | Uint8Array][] = [
    ['zstd', () => zstdCompress(Buffer.from(json), 3)],
    ['gzip', () => gzipSync(json)],
    ['gzip', () => gzipSync(json, { level: 9 })],
    ['deflate', () => deflateSync(json)],
    ['deflate', () => deflateRawSync(json)],
    ['br', () => brotliCompressSync(json)],
    ['br', () => brotliCompressSync(json, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
    ['gzip, br', () => brotliCompressSync(gzipSync(json))],
  ];
  it.each(cases)('in %s is decoded, masked, encoded again, and as long as it was', async (encoding, make) => {
    const packed = Buffer.from(await make());
    const chunks = cutIntoChunks(packed, 5, 60);
    const script = new WireScript();
    const sent = [...headers, ['Content-Encoding', encoding], ['Content-Length', String(packed.length)]] as const;
    script.add({ type: 'requestStarted', exchangeId: 'a', request: requestHead({ headers: sent }) });
    for (const data of chunks) script.wait(2).add({ type: 'requestData', exchangeId: 'a', data });
    script.add({ type: 'requestEnded', exchangeId: 'a' }).head('a').end('a');
    const masked = await mask(script.events);
    const told = masked.filter(({ type }) => type !== 'remark');
    expect(shapeOf(told)).toEqual(shapeOf(script.events));
    const body = bodyOf(masked, 'requestData');
    expect(body.length).toBe(packed.length);
    const [head] = masked;
    expect(head?.type === 'requestStarted' && head.request.headers.slice(headers.length)).toEqual(
      sent.slice(headers.length),
    );
    const { bytes, problem } = await decodeBody(body, encoding);
    expect(problem).toBeNull();
    expect(Buffer.from(bytes).toString()).toMatch(
      /^\{"token":"(masked:[0-9a-f]{8}\*{7}|\*{22})","text":"(and so on ){50}"\}$/,
    );
    expect(masked.some((event) => event.type === 'remark' && event.text.includes('encoded again at its length'))).toBe(
      true,
    );
  });

  it('without a secret is written as it was, to the byte', async () => {
    const packed = gzipSync('{"input":"nothing to hide"}');
    const script = new WireScript();
    script
      .post('a', { headers: [...headers, ['content-encoding', 'gzip']] }, packed)
      .head('a')
      .end('a');
    const masked = await mask(script.events);
    expect(bodyOf(masked, 'requestData').equals(packed)).toBe(true);
    expect(masked.map(({ type }) => type)).not.toContain('remark');
  });

  it('that decodes to nothing in its length is replaced by `*` in it, and that is told', async () => {
    // Cut right behind the secret: even an end has no room.
    const packed = gzipSync(secret.slice(0, 8)).subarray(0, 10 + 9);
    const known = new WireScript();
    known
      .post('a', { headers: [['authorization', `Bearer ${secret.slice(0, 8)}`]] }, '')
      .head('a', { headers: [['content-encoding', 'gzip'], ['content-length', String(packed.length)]] }); // prettier-ignore
    known.data('a', packed).end('a');
    const masked = await mask(known.events);
    expect(bodyOf(masked, 'responseData')).toHaveLength(packed.length);
    const remarks = masked.flatMap((event) => (event.type === 'remark' ? [event.text] : []));
    expect(remarks.join()).toMatch(/masked, and replaced by `\*`.*cut: gzip/);
  });

  it('that is not what its head says is searched as it is', async () => {
    const script = new WireScript();
    script
      .post('a', { headers: [...headers, ['content-encoding', 'gzip']] }, `plain ${secret}`)
      .head('a', { headers: [['content-encoding', 'rot13']] });
    script.data('a', secret.slice(0, 5)).data('a', secret.slice(5)).end('a');
    const masked = await mask(script.events);
    expect(bodyOf(masked, 'requestData').toString()).toMatch(/^plain masked:/);
    expect(bodyOf(masked, 'responseData').toString()).toMatch(/^masked:/);
  });

  const large = (): Buffer => {
    const filler = randomBytes(3 * 1024 * 1024).toString('base64');
    return Buffer.from(`{"a":"${filler}","b":"${secret}","c":"${filler}${filler}","d":"${secret}"}`);
  };

  it.each(['gzip', 'zstd', 'br', 'deflate'])(
    'under %s that is too large to be held goes on before its end, under its encoding and as long as it was',
    async (encoding) => {
      const plain = large();
      const body = Buffer.from((await fitBody(plain, encoding, null))!.bytes);
      expect(body.length).toBeGreaterThan(8.5 * 1024 * 1024);
      const script = new WireScript();
      const said = [
        ['Content-Encoding', encoding],
        ['Content-Length', String(body.length)],
      ] as const;
      script.add({ type: 'requestStarted', exchangeId: 'a', request: requestHead({ headers: [...headers, ...said] }) });
      for (const data of cutIntoChunks(body, 4, 100_000))
        script.wait(1).add({ type: 'requestData', exchangeId: 'a', data });
      // Before its end it is on its way already, as is an answer that came early.
      const early = script.events.length;
      script.add({ type: 'requestEnded', exchangeId: 'a' }).head('a').data('a', 'fine').end('a');
      const masker = new EventMasker(new Vault(Buffer.alloc(32, 7), { keepsLengths: true }));
      const masked: DumpEvent[] = [];
      for (const [at, event] of script.events.entries()) {
        if (at === early) expect(bodyOf(masked, 'requestData').length).toBeGreaterThan(4 * 1024 * 1024);
        masked.push(...(await masker.apply(event)));
      }
      const [head, remark] = masked;
      expect((head as { request: { headers: RawHeaders } }).request.headers.slice(2)).toEqual(said);
      expect(remark).toMatchObject({ type: 'remark', text: expect.stringContaining('encoded again at its length') });
      expect(shapeOf(masked.filter(({ type }) => type !== 'remark'))).toEqual(shapeOf(script.events));
      const { bytes, problem } = await decodeBody(bodyOf(masked, 'requestData'), encoding);
      expect(problem).toBeNull();
      const found = Buffer.from(bytes);
      const vault = new Vault(Buffer.alloc(32, 7));
      vault.learn(secret);
      const wanted = Buffer.from(vault.mask(plain).bytes);
      expect(found.length).toBe(wanted.length);
      expect(found.includes(secret)).toBe(false);
      // For what could not be made shorter some text may be left out at the end, which is told.
      const same = wanted.length - 64 * 1024;
      expect(found.subarray(0, same).equals(wanted.subarray(0, same))).toBe(true);
      const isLeftOut = !found.equals(wanted);
      expect(masked.some((event) => event.type === 'remark' && event.text.includes('are left out'))).toBe(isLeftOut);
      expect(bodyOf(masked, 'responseData').toString()).toBe('fine');
    },
  );

  it.each(['gzip, zstd', 'zstd, br', 'deflate, gzip', 'br, zstd, gzip'])(
    'under %s that is too large to be held keeps its encodings and its length, masked',
    async (encoding) => {
      const plain = large();
      const body = Buffer.from((await fitBody(plain, encoding, null))!.bytes);
      const script = new WireScript();
      script.post('a', { headers }, '{}').head('a', { headers: [['content-encoding', encoding]] });
      for (const data of cutIntoChunks(body, 4, 100_000)) script.data('a', data);
      script.end('a');
      const masked = await mask(script.events);
      expect(masked.find(({ type }) => type === 'responseStarted')).toMatchObject({
        response: { headers: [['content-encoding', encoding]] },
      });
      const shown = bodyOf(masked, 'responseData');
      expect(shown).toHaveLength(body.length);
      const { bytes, problem } = await decodeBody(shown, encoding);
      expect(problem).toBe(null);
      expect(bytes).toHaveLength(plain.length);
      expect(Buffer.from(bytes).includes(secret)).toBe(false);
      const vault = new Vault(Buffer.alloc(32, 7));
      vault.learn(secret);
      const wanted = Buffer.from(vault.mask(plain).bytes);
      const isLeftOut = !wanted.equals(bytes);
      expect(masked.some((event) => event.type === 'remark' && event.text.includes('are left out'))).toBe(isLeftOut);
    },
    60_000,
  );

  it.each(['zstd', 'gzip', 'br', 'deflate'])(
    'under %s that is too large and does not decode shows nothing, at its length, and that is told',
    async (encoding) => {
      const script = new WireScript();
      script.post('a', { headers }, '{}').head('a', { headers: [['content-encoding', encoding]] });
      for (let at = 0; at < 9; at += 1) script.data('a', Buffer.alloc(1024 * 1024, `${secret} ${at}`));
      script.end('a');
      const masked = await mask(script.events);
      const shown = bodyOf(masked, 'responseData');
      expect(shown).toHaveLength(9 * 1024 * 1024);
      expect(shown.includes(secret.slice(0, 8))).toBe(false);
      const remarks = masked.flatMap((event) => (event.type === 'remark' ? [event.text] : []));
      expect(remarks.at(-1)).toMatch(new RegExp(`^the response is cut: ${encoding}: `));
    },
  );
});

describe('other events', () => {
  it('hold no secret: messages of a WebSocket, reasons, failures, the head of a refused upgrade', async () => {
    const script = new WireScript();
    const request = requestHead({ headers });
    script.add({
      type: 'socketOpened',
      exchangeId: 's',
      request,
      response: { status: 101, reason: 'Switching', headers: [] },
    });
    script.add({
      type: 'socketMessage',
      exchangeId: 's',
      from: 'upstream',
      isBinary: true,
      data: Buffer.from(`<${secret}>`),
    });
    script.add({ type: 'socketClosed', exchangeId: 's', code: 1000, reason: secret });
    script.add({ type: 'upgradeRefused', exchangeId: 'u', request, status: 426 });
    script.post('a', { headers }, '').abort('a', 'upstream', { code: 'E', message: `was ${secret}` });
    const masked = await mask(script.events);
    expect(
      JSON.stringify(masked.map((event) => ('data' in event ? Buffer.from(event.data).toString() : event))),
    ).not.toContain(secret);
    expect(masked).toHaveLength(script.events.length);
    expect(masked[1]).toMatchObject({
      data: expect.toSatisfy((data: Uint8Array) => data.length === secret.length + 2),
    });
  });

  it('of random traffic come out as they went in, where there is nothing to mask', async () => {
    const scripts = Array.from({ length: 20 }, (_, at) => randomTraffic(50 + at).script.events);
    const lanes = (events: readonly DumpEvent[]): unknown =>
      [...new Set(events.map((event) => ('exchangeId' in event ? event.exchangeId : '')))]
        .sort()
        .map((id) => [id, shapeOf(events.filter((event) => 'exchangeId' in event && event.exchangeId === id))]);
    for (const events of scripts) expect(lanes(await mask(events))).toEqual(lanes(events));
  });
});
