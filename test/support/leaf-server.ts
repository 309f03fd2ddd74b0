// A TLS server on loopback that has a certificate for each of a few hosts, signed by whatever root a test wants to see trusted or not.
import type { AddressInfo } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import { makeLeaf, type Root } from './certificates.ts';

export interface LeafServer {
  readonly port: number;
  close(): void;
}

export async function startLeafServer(root: Root, hosts: readonly string[]): Promise<LeafServer> {
  const contexts = new Map(hosts.map((host) => [host, createSecureContext(makeLeaf(root, [host]))]));
  const server = createServer({ SNICallback: (host, done) => done(null, contexts.get(host)) }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n');
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
