// The provider's side of relayed WebSockets, for dumps: the heads of the upgrade as they passed there, and the ends of the connection.
import type { Mockttp } from 'mockttp';

import type { RawHeaders, Stamp, UpstreamLeg } from '../domain/index.ts';
import { askedAtOf, endsOf, stamp, upgradeAnswerOf } from './connections.ts';
import { pairs } from './upstream-facts.ts';

type Told = (type: string, data: unknown) => void;

/** The agent's socket says `ws-upgrade` once the provider has accepted, with the WebSocket that has the provider's beside it. */
interface AgentSocket {
  once(event: 'ws-upgrade', listener: (webSocket: { readonly upstreamWebSocket?: UpstreamWebSocket }) => void): unknown;
}

interface UpstreamWebSocket {
  readonly _socket?: object;
}

interface Rule {
  handle(
    request: { readonly id: string },
    socket: AgentSocket,
    head: unknown,
    options: { readonly emitEventCallback?: Told },
  ): Promise<void>;
}

const maxKept = 256;

/** To be called once the rules are set. Gives what is known by mockttp's id of the request; it is then forgotten. */
export function watchWebSockets(engine: Mockttp): (requestId: string) => UpstreamLeg | null {
  const known = new Map<string, UpstreamLeg>();
  const { webSocketRuleSets } = engine as unknown as { webSocketRuleSets: Readonly<Record<string, readonly Rule[]>> };
  for (const rule of Object.values(webSocketRuleSets).flat()) {
    const handle = rule.handle.bind(rule);
    rule.handle = (request, socket, head, options) => {
      let sent: { readonly headers: RawHeaders | null; readonly at: Stamp } | null = null;
      const emitEventCallback: Told = (type, data) => {
        if (type === 'passthrough-websocket-connect')
          sent = { headers: pairs((data as { readonly rawHeaders?: unknown }).rawHeaders), at: stamp() };
        options.emitEventCallback?.(type, data);
      };
      socket.once('ws-upgrade', ({ upstreamWebSocket }) => {
        const there = upstreamWebSocket?._socket;
        known.set(request.id, {
          requestHeaders: sent?.headers ?? null,
          requestAt: (there === undefined ? null : askedAtOf(there)) ?? sent?.at ?? null,
          response: there === undefined ? null : upgradeAnswerOf(there),
          responseAt: stamp(),
          ...(there === undefined ? { local: null, remote: null } : endsOf(there)),
        });
        const [oldest] = known.keys();
        if (known.size > maxKept && oldest !== undefined) known.delete(oldest);
      });
      return handle(request, socket, head, { ...options, emitEventCallback });
    };
  }
  return (requestId) => {
    const leg = known.get(requestId) ?? null;
    known.delete(requestId);
    return leg;
  };
}
