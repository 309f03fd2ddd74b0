import { describe, expect, it } from 'vitest';
import { flags, frame, goAway, headers, kinds, preface, reset, settings } from '../../../test/support/http2-frames.ts';
import type { WireEvent } from '../../domain/index.ts';
import type { RelayedExchanges } from '../relayed-exchanges.ts';
import { tellHttp2 } from './exchanges.ts';

interface Talk {
  readonly exchanges: RelayedExchanges;
  agent(...frames: readonly Buffer[]): void;
  provider(...frames: readonly Buffer[]): void;
  /** What was told: paths stand for exchanges. */
  told(): string[];
}

/** A connection that stands: both sides have sent their settings. */
function talk(): Talk {
  const events: WireEvent[] = [];
  const emit = (event: object): void => void events.push({ at: 0, mono: 0, ...event } as WireEvent);
  const exchanges = tellHttp2({ host: 'chatgpt.com', port: 443, client: null }, emit, null);
  const agent = (...frames: readonly Buffer[]): void => exchanges.sent(Buffer.concat(frames));
  const provider = (...frames: readonly Buffer[]): void => exchanges.received(Buffer.concat(frames));
  agent(preface, settings());
  provider(settings());
  const told = (): string[] => {
    const paths = new Map<string, string>();
    return events.map((event) => {
      if (!('exchangeId' in event)) return event.type;
      if (event.type === 'requestStarted') paths.set(event.exchangeId, event.request.path);
      const what = `${paths.get(event.exchangeId)} ${event.type}`;
      if (event.type === 'requestStarted') return `${what} ${event.request.method}`;
      if (event.type === 'responseStarted') return `${what} ${event.response.status}`;
      if (event.type === 'exchangeAborted') return `${what} by ${event.by}: ${event.error?.message}`;
      return 'data' in event ? `${what} ${Buffer.from(event.data).toString('latin1')}` : what;
    });
  };
  return { exchanges, agent, provider, told };
}

const ask = (streamId: number, path: string, more: number = flags.endStream): Buffer =>
  headers(streamId, { ':method': 'POST', ':scheme': 'https', ':authority': 'chatgpt.com', ':path': path }, more);
const say = (streamId: number, text: string, more = 0): Buffer => frame(kinds.data, streamId, Buffer.from(text), more);
const answer = (streamId: number, more = 0): Buffer => headers(streamId, { ':status': '200' }, more);

describe('an exchange', () => {
  it('is told from its head to its end, with what it says in its order, and without what is not its own', () => {
    const { exchanges, agent, provider, told } = talk();
    agent(ask(1, '/a', 0), say(1, 'one'));
    agent(say(1, 'two', flags.endStream));
    provider(headers(1, { ':status': '103' }), answer(1), say(1, 'three'), frame(kinds.ping, 0, Buffer.alloc(8)));
    expect(exchanges.openExchanges()).toBe(1);
    provider(headers(1, { 'x-sum': '1' }, flags.endStream));
    expect(told()).toEqual([
      '/a requestStarted POST',
      '/a requestData one',
      '/a requestData two',
      '/a requestEnded',
      '/a responseStarted 200',
      '/a responseData three',
      '/a responseEnded',
    ]);
    expect([exchanges.isIdle(), exchanges.openExchanges()]).toEqual([true, 0]);
  });

  it('ends with its answer, even where the request goes on', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a', 0), say(1, 'one'));
    provider(answer(1, flags.endStream), reset(1, 0));
    agent(say(1, 'two', flags.endStream));
    agent(headers(1, { 'x-sum': '1' }, flags.endStream));
    expect(told().slice(2)).toEqual(['/a responseStarted 200', '/a requestEnded', '/a responseEnded']);
  });

  it.each([0, 5])(
    'ends with the last of %i announced bytes, though the agent hangs up before the end of the stream',
    (length) => {
      const { agent, provider, told } = talk();
      agent(ask(1, '/a'));
      provider(headers(1, { ':status': '200', 'content-length': String(length) }));
      if (length > 0) provider(say(1, 'hel'), say(1, 'lo'));
      agent(reset(1, 8));
      provider(say(1, '', flags.endStream));
      expect(
        told()
          .slice(2)
          .filter((line) => !line.includes('Data')),
      ).toEqual(['/a responseStarted 200', '/a responseEnded']);
    },
  );

  it('is broken off where not all announced bytes have come', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a'));
    provider(headers(1, { ':status': '200', 'content-length': '5' }), say(1, 'hell'));
    agent(reset(1, 8));
    expect(told().at(-1)).toBe('/a exchangeAborted by agent: undefined');
  });

  it('is told beside others, whatever their order', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a'), ask(3, '/b'));
    provider(answer(3), answer(1), say(1, 'a'), say(3, 'b', flags.endStream), say(1, 'a', flags.endStream));
    expect(told().slice(4)).toEqual([
      '/b responseStarted 200',
      '/a responseStarted 200',
      '/a responseData a',
      '/b responseData b',
      '/b responseEnded',
      '/a responseData a',
      '/a responseEnded',
    ]);
  });

  it('may be a WebSocket (RFC 8441): what passes in it is told as bodies', () => {
    const { agent, provider, told } = talk();
    agent(headers(1, { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' }), say(1, 'frame'));
    provider(answer(1), say(1, 'frame'));
    agent(say(1, '', flags.endStream));
    provider(say(1, '', flags.endStream));
    expect(told()).toEqual([
      '/chat requestStarted CONNECT',
      '/chat requestData frame',
      '/chat responseStarted 200',
      '/chat responseData frame',
      '/chat requestEnded',
      '/chat responseEnded',
    ]);
  });

  it('of a tunnel has the authority for a path', () => {
    const { agent, told } = talk();
    agent(headers(1, { ':method': 'CONNECT', ':authority': 'x:22' }));
    expect(told()).toEqual(['x:22 requestStarted CONNECT']);
  });

  it('is none where there is no request: no method, no path, a stream of the provider', () => {
    const { agent, provider, told } = talk();
    agent(headers(1, { ':path': '/' }), headers(3, { ':method': 'GET' }), ask(2, '/even'));
    provider(answer(1), say(1, 'x'), answer(2), answer(99, flags.endStream));
    expect(told()).toEqual([]);
  });
});

describe('an exchange that is broken off', () => {
  it.each([
    ['by a reset of the agent', (at: Talk) => at.agent(reset(1, 8)), 'agent: undefined'],
    [
      'by a reset of the provider',
      (at: Talk) => at.provider(reset(1, 11)),
      'upstream: Stream closed with error code NGHTTP2_ENHANCE_YOUR_CALM',
    ],
    [
      'by a code that nobody knows',
      (at: Talk) => at.provider(reset(1, 99)),
      'upstream: Stream closed with error code 99',
    ],
    [
      'by an end without an answer',
      (at: Talk) => at.provider(say(1, '', flags.endStream)),
      'upstream: Stream closed with error code NGHTTP2_PROTOCOL_ERROR',
    ],
    [
      'by a farewell that leaves it out',
      (at: Talk) => at.provider(goAway(0, 0)),
      'upstream: Stream closed with error code NGHTTP2_REFUSED_STREAM',
    ],
    [
      'by the end of the connection',
      (at: Talk) => at.exchanges.abort('upstream', { code: 'ECONNRESET', message: 'gone' }),
      'upstream: gone',
    ],
  ])('%s is told so, once', (_, act, how) => {
    const at = talk();
    at.agent(ask(1, '/a'));
    act(at);
    act(at);
    at.provider(answer(1, flags.endStream));
    expect(at.told().slice(2)).toEqual([`/a exchangeAborted by ${how}`]);
    expect(at.exchanges.isIdle()).toBe(true);
  });

  it('but not by a farewell that counts it in', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a'), ask(3, '/b'));
    provider(goAway(2 ** 31 - 1, 0), goAway(1, 0), answer(1, flags.endStream));
    expect(told().slice(4)).toEqual([
      '/b exchangeAborted by upstream: Stream closed with error code NGHTTP2_REFUSED_STREAM',
      '/a responseStarted 200',
      '/a responseEnded',
    ]);
  });

  it('by whoever has hung up: that is the agent, where it has ended its half', () => {
    const { exchanges, agent, told } = talk();
    agent(ask(1, '/a'));
    exchanges.sentEnd();
    expect(exchanges.openExchanges()).toBe(0);
    exchanges.abort('upstream', { code: 'ECONNRESET', message: 'gone' });
    expect(told().at(-1)).toBe('/a exchangeAborted by agent: undefined');
  });
});

describe('when nobody waits any longer', () => {
  it('what an agent that has ended its half still waited for is told as hung up', () => {
    const { exchanges, agent, told } = talk();
    agent(ask(1, '/a'));
    exchanges.tellHungUp();
    expect(exchanges.openExchanges()).toBe(1);
    exchanges.sentEnd();
    exchanges.tellHungUp();
    exchanges.tellHungUp();
    expect(told().slice(2)).toEqual(['/a exchangeAborted by agent: undefined']);
  });
});

describe('what cannot be read', () => {
  const notRead = 'exchangeAborted by tapes: what passed on this connection cannot be read as HTTP/2';

  it('of the provider: every request is still told, and that its answer was not understood', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a'), ask(3, '/b', 0));
    provider(headers(1, { ':status': '200' }), frame(kinds.continuation, 1));
    agent(ask(5, '/c', 0), say(5, 'body', flags.endStream));
    expect(told().slice(3)).toEqual([
      '/a responseStarted 200',
      `/a ${notRead}`,
      `/b ${notRead}`,
      '/c requestStarted POST',
      '/c requestData body',
      '/c requestEnded',
      `/c ${notRead}`,
    ]);
  });

  it('of the agent: what it had said before is answered as ever, the rest is told to be lost', () => {
    const { agent, provider, told } = talk();
    agent(ask(1, '/a'), ask(3, '/b', 0));
    agent(frame(kinds.continuation, 3), ask(5, '/c'));
    provider(answer(1, flags.endStream), answer(5, flags.endStream));
    expect(told().slice(3)).toEqual([`/b ${notRead}`, '/a responseStarted 200', '/a responseEnded']);
  });
});

describe('floods', () => {
  it('of requests that are reset at once leave nothing behind', () => {
    const { exchanges, agent, told } = talk();
    for (let at = 1; at < 20_000; at += 2) agent(ask(at, '/a', 0), reset(at, 8));
    expect(exchanges.openExchanges()).toBe(0);
    expect(told()).toHaveLength(20_000);
  });

  it('of requests that nobody answers: ten thousand of them are remembered', () => {
    const { exchanges, agent, told } = talk();
    for (let at = 1; at < 24_000; at += 2) agent(ask(at, `/${at}`, 0));
    expect(exchanges.openExchanges()).toBe(10_000);
    expect(told()).toContain('/1 exchangeAborted by tapes: more than 10000 requests are open on this connection');
  });
});
