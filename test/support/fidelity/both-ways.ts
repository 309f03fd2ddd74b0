// Runs a scenario twice, straight to a provider and through an interceptor, and gives what both ends saw each time.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { testRootFile } from '../certificates.ts';
import { startInterceptor } from '../interceptor.ts';
import { peerOn, type Ending, type Peer } from './peer.ts';
import { host, startRawUpstream, type RawUpstreamOptions, type UpstreamScript } from './raw-upstream.ts';

export interface Scenario {
  readonly name: string;
  readonly client: (peer: Peer) => Promise<void>;
  readonly upstream: UpstreamScript;
}

export interface End {
  readonly received: string;
  readonly ending: Ending;
}

export interface Observation {
  readonly client: End;
  readonly upstream: readonly End[];
}

/** For a handshake: longer than tapes waits for one of its own. */
const patienceMs = 12_000;

export type Way = 'direct' | 'tapes';

/** A provider and the ways to it, for many scenarios one after the other. */
export interface Stage {
  observe(scenario: Scenario, way: Way): Promise<Observation>;
  close(): Promise<void>;
}

export async function openStage(
  options: Partial<RawUpstreamOptions> & { readonly isClosed?: boolean } = {},
): Promise<Stage> {
  const alpn = options.alpn ?? ['http/1.1'];
  const upstream = await startRawUpstream({ ...options, alpn });
  const tapes = await startInterceptor({ standIn: upstream });
  if (options.isClosed) await upstream.close();
  return {
    async observe(scenario, way) {
      upstream.play(scenario.upstream);
      const opened = await openClient(upstream.port, alpn, way === 'direct' ? null : tapes).catch(
        (error: Error) => error,
      );
      if (opened instanceof Error) {
        return { client: { received: '', ending: failureOf(opened) }, upstream: upstream.peers.map(endOf) };
      }
      try {
        await scenario.client(opened);
        await upstream.finished();
        return { client: endOf(opened), upstream: upstream.peers.map(endOf) };
      } finally {
        opened.destroy();
      }
    },
    async close() {
      await tapes.close();
      if (!options.isClosed) await upstream.close();
    },
  };
}

const endOf = (peer: Peer): End => ({ received: peer.received(), ending: peer.ending() });

/** What a client says that could not connect: a door that refuses is what any proxy says of a connection that failed. */
function failureOf(error: NodeJS.ErrnoException): Ending {
  return error.code ?? error.message;
}

async function openClient(
  port: number,
  alpn: readonly string[],
  tapes: Awaited<ReturnType<typeof startInterceptor>> | null,
): Promise<Peer> {
  const raw =
    tapes === null
      ? connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
      : await tapes.connect(host, 443);
  if (tapes === null) await once(raw, 'connect');
  const socket: TLSSocket = connectTls({
    socket: raw,
    servername: host,
    // An agent trusts the roots of its machine besides the one of tapes.
    ca: [testRootFile, ...(tapes === null ? [] : [tapes.caFile])].map((file) => readFileSync(file)),
    ALPNProtocols: [...alpn],
    allowHalfOpen: true,
  } as object);
  const patience = AbortSignal.timeout(patienceMs);
  await once(socket, 'secureConnect', { signal: patience }).catch((error: Error) => {
    socket.destroy();
    throw patience.aborted ? new Error('gave up') : error;
  });
  return peerOn(socket, () => raw.resetAndDestroy());
}
