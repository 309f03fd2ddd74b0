// A provider that answers in bytes, as a script says, and keeps what it got: one peer for each connection that reached it.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { createSecureContext, TLSSocket } from 'node:tls';
import { makeLeaf, readTestRoot, testRootFile, type Leaf } from '../certificates.ts';
import { peerOn, type Peer } from './peer.ts';

export const host = 'chatgpt.com';

/** What a provider does with a connection; `nth` counts those that sent something, from 0. */
export type UpstreamScript = (peer: Peer, nth: number) => Promise<void>;

export interface RawUpstream {
  readonly port: number;
  readonly caFile: string;
  /** Begins anew: forgets what was, and follows this script. */
  play(script: UpstreamScript): void;
  /** Those that sent something, in order. */
  readonly peers: readonly Peer[];
  /** TCP connections, those among them that said nothing. */
  connections(): number;
  /** Settles when every script that began has ended; rejects with the first failure. */
  finished(): Promise<void>;
  resolveArgs(): string[];
  /** Ends everything, and refuses connections from then on. */
  close(): Promise<void>;
}

export interface RawUpstreamOptions {
  readonly alpn: readonly string[];
  readonly leaf?: Leaf;
  /** Said on each connection as soon as it stands. */
  readonly greeting?: Buffer;
  /** Takes the TCP connection as it is, before any TLS. */
  readonly onTcp?: (socket: Socket) => void;
}

let ordinaryLeaf: Leaf | null = null;

export async function startRawUpstream(options: RawUpstreamOptions): Promise<RawUpstream> {
  const leaf = options.leaf ?? (ordinaryLeaf ??= makeLeaf(readTestRoot(), [host]));
  const secureContext = createSecureContext(leaf);
  const peers: Peer[] = [];
  const scripts: Promise<void>[] = [];
  const sockets = new Set<Socket>();
  let script: UpstreamScript = async () => undefined;
  let connections = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (raw) => {
    connections += 1;
    sockets.add(raw);
    raw.once('close', () => sockets.delete(raw));
    raw.on('error', () => undefined);
    if (options.onTcp !== undefined) return options.onTcp(raw);
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext,
      ALPNProtocols: [...options.alpn],
      allowHalfOpen: true,
    } as object);
    if (options.greeting !== undefined) socket.write(options.greeting);
    const peer = peerOn(socket, () => raw.resetAndDestroy());
    // One that says nothing is a connection made ahead: no script is run for it.
    socket.once('data', () => {
      peers.push(peer);
      const running = script(peer, peers.length - 1);
      running.catch(() => undefined); // told by `finished`
      scripts.push(running);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    caFile: testRootFile,
    peers,
    play(next) {
      script = next;
      peers.length = 0;
      scripts.length = 0;
      connections = 0;
    },
    connections: () => connections,
    async finished() {
      for (let count = -1; count !== scripts.length;) {
        count = scripts.length;
        await Promise.all(scripts);
      }
    },
    resolveArgs: () => ['--resolve', `${host}:443:127.0.0.1:${port}`],
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
