// What both ends see, straight and through tapes: the same bytes, the same ends. What differs is named in docs/fidelity.md, and here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireEvent } from '../../src/domain/index.ts';
import { makeLeaf, makeRoot, readTestRoot } from '../support/certificates.ts';
import { openStage, type Observation, type Scenario, type Stage } from '../support/fidelity/both-ways.ts';
import { findDifference } from '../support/fidelity/differences.ts';
import { greeting, http2ByteScenarios, providerFirst } from '../support/fidelity/http2-byte-scenarios.ts';
import {
  findLine,
  hasArrived,
  openHttp2Stage,
  tellLines,
  type Http2Stage,
} from '../support/fidelity/http2-both-ways.ts';
import { http2Scenarios } from '../support/fidelity/http2-scenarios.ts';
import type { RawUpstreamOptions } from '../support/fidelity/raw-upstream.ts';
import { plainGet, scenarios as plainScenarios } from '../support/fidelity/scenarios.ts';
import { socketScenarios } from '../support/fidelity/socket-scenarios.ts';
import { upgradeScenarios } from '../support/fidelity/upgrade-scenarios.ts';

const scenarios = [...plainScenarios, ...upgradeScenarios];

describe('HTTP/1.1 passes as it is, in both directions', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it.each([...scenarios, ...socketScenarios].map((scenario) => ({ name: scenario.name, scenario })))(
    '$name',
    async ({ scenario }) => {
      const direct = await stage.observe(scenario, 'direct');
      const tapes = await stage.observe(scenario, 'tapes');
      expect(findDifference(direct, tapes)).toBeNull();
      // Two runs in which nothing happened would be equal, too.
      expect(direct.upstream.length).toBeGreaterThan(0);
    },
  );
});

describe('an agent that does not read', () => {
  const megabyte = Buffer.alloc(1_000_000, 'x');
  const megabytes = 64;

  it.each(['direct', 'tapes'] as const)('holds the provider up (%s), and then gets everything', async (way) => {
    const stage = await openStage();
    let written = 0;
    let writtenMeanwhile = 0;
    const { client } = await stage.observe(
      {
        name: 'slow',
        async client(peer) {
          await peer.write('GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n');
          await peer.until('\r\n\r\n');
          peer.pause();
          await pause(1_000);
          writtenMeanwhile = written;
          peer.resume();
          await peer.ended();
        },
        async upstream(peer) {
          await peer.until('\r\n\r\n');
          await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${megabytes * megabyte.length}\r\n\r\n`);
          for (; written < megabytes; written += 1) await peer.write(megabyte);
          peer.end();
        },
      },
      way,
    );
    await stage.close();
    // What fits into the buffers of two connections, and not the rest.
    expect(writtenMeanwhile).toBeLessThan(megabytes / 2);
    expect(client.received.length - client.received.indexOf('\r\n\r\n') - 4).toBe(megabytes * megabyte.length);
    expect(client.ending).toBe('end');
  });
});

describe('a provider that cannot be reached, or not be trusted, is the same failure', () => {
  const bothWays = async (
    options: Partial<RawUpstreamOptions> & { readonly isClosed?: boolean },
    scenario: Scenario = plainGet,
  ): Promise<{ direct: Observation; tapes: Observation }> => {
    const stage = await openStage(options);
    try {
      return { direct: await stage.observe(scenario, 'direct'), tapes: await stage.observe(scenario, 'tapes') };
    } finally {
      await stage.close();
    }
  };
  const day = 86_400_000;
  const now = Date.now();

  it.each<{ name: string; options: Partial<RawUpstreamOptions>; ending: RegExp }>([
    {
      name: 'a TLS alert instead of a handshake',
      options: { onTcp: (socket) => socket.once('data', () => socket.end(Buffer.from('15030300020228', 'hex'))) },
      ending: /HANDSHAKE_FAILURE/,
    },
    {
      name: 'a reset instead of a handshake',
      options: { onTcp: (socket) => socket.once('data', () => socket.resetAndDestroy()) },
      ending: /^ECONNRESET$/,
    },
    {
      name: 'the end of the connection instead of a handshake',
      options: { onTcp: (socket) => socket.once('data', () => socket.end()) },
      ending: /^ECONNRESET$/,
    },
    {
      name: 'something else than TLS',
      options: { onTcp: (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')) },
      ending: /WRONG_VERSION|PACKET_LENGTH/,
    },
    {
      name: 'a certificate of another host',
      options: { leaf: makeLeaf(readTestRoot(), ['other.example']) },
      ending: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    },
    {
      name: 'an expired certificate',
      options: { leaf: makeLeaf(readTestRoot(), ['chatgpt.com'], { notAfter: new Date(now - day) }) },
      ending: /^CERT_HAS_EXPIRED$/,
    },
    {
      name: 'a certificate of an unknown root',
      options: { leaf: makeLeaf(makeRoot('Nobody', new Date(now - day), new Date(now + day)), ['chatgpt.com']) },
      ending: /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/,
    },
  ])('$name', async ({ options, ending }) => {
    const { direct, tapes } = await bothWays(options);
    expect(findDifference(direct, tapes)).toBeNull();
    expect(direct.client.ending).toMatch(ending);
  });

  it('a refused connection: the proxy says 502 before anything was sent, and the provider sees nothing of it', async () => {
    const { direct, tapes } = await bothWays({ isClosed: true });
    expect(direct).toEqual({ client: { received: '', ending: 'ECONNREFUSED' }, upstream: [] });
    expect(tapes).toEqual({ client: { received: '', ending: 'HTTP/1.1 502 Bad Gateway' }, upstream: [] });
  });

  it('no handshake at all: the client waits, and gives up when it wants to', { timeout: 60_000 }, async () => {
    const { direct, tapes } = await bothWays({ onTcp: (socket) => void socket.resume() });
    expect(findDifference(direct, tapes)).toBeNull();
    expect(direct.client.ending).toBe('gave up');
  });
});

describe('HTTP/2 passes as it is, in both directions', () => {
  let stage: Http2Stage;
  beforeAll(async () => {
    stage = await openHttp2Stage();
  });
  afterAll(() => stage.close());

  it.each(http2Scenarios.map((scenario) => ({ name: scenario.name, scenario })))('$name', async ({ scenario }) => {
    const direct = await stage.observe(scenario, 'direct');
    const tapes = await stage.observe(scenario, 'tapes');
    expect(findLine(direct, tapes)).toBeNull();
    expect(direct.upstream.length).toBeGreaterThan(0);
    for (const { bytes } of [direct, tapes]) {
      expect(bytes.client.length).toBeGreaterThan(0);
      expect(bytes.upstream).toHaveLength(bytes.client.length);
      for (const [at, client] of bytes.client.entries()) {
        expect(hasArrived(client, bytes.upstream[at]!)).toBe(true);
        expect(hasArrived(bytes.upstream[at]!, client)).toBe(true);
      }
    }
    // And what is told of it is what the provider saw.
    const heads = (lines: readonly string[], what: string): string[] =>
      lines.filter((line) => line.startsWith(`${what} `) && !/ of \d+ bytes$/.test(line)).toSorted();
    const told = tellLines(tapes.events);
    expect(heads(told, 'request')).toEqual(heads(tapes.upstream, 'request'));
    expect(heads(told, 'response')).toEqual(heads(tapes.client, 'response'));
    const ids = (type: WireEvent['type'][]): number => tapes.events.filter((event) => type.includes(event.type)).length;
    expect(ids(['responseEnded', 'exchangeAborted'])).toBe(ids(['requestStarted']));
  });
});

describe('bytes over HTTP/2, those among them that no client would send', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ alpn: ['h2'] });
  });
  afterAll(() => stage.close());

  it.each(http2ByteScenarios.map((scenario) => ({ name: scenario.name, scenario })))('$name', async ({ scenario }) => {
    const direct = await stage.observe(scenario, 'direct');
    const tapes = await stage.observe(scenario, 'tapes');
    expect(findDifference(direct, tapes)).toBeNull();
    expect(direct.upstream.length + direct.client.received.length).toBeGreaterThan(0);
  });

  it('the provider speaks first', async () => {
    const early = await openStage({ alpn: ['h2'], greeting });
    const direct = await early.observe(providerFirst, 'direct');
    const tapes = await early.observe(providerFirst, 'tapes');
    await early.close();
    expect(findDifference(direct, tapes)).toBeNull();
    expect(direct.client.received).toContain('last');
  });
});

describe('the docs', () => {
  const read = (name: string): string =>
    readFileSync(join(import.meta.dirname, '..', '..', 'docs', `${name}.md`), 'utf8');
  const overHttp1 = scenarios.length + socketScenarios.length;
  const overHttp2 = http2Scenarios.length + http2ByteScenarios.length + 1;

  it('say how many scenarios are compared', () => {
    expect(read('fidelity')).toContain(`${overHttp1} scenarios, both directions`);
    expect(read('fidelity')).toContain(`${overHttp2} scenarios. One connection`);
    expect(read('reliability')).toContain(`${overHttp1} scenarios over HTTP/1.1, ${overHttp2} over HTTP/2`);
  });
});
