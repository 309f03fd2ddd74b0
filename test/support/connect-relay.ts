// The dumbest proxy there is: every CONNECT, whatever host it names, becomes a plain TCP connection to one port on loopback.
// It decrypts nothing: what runs behind it runs as without tapes, and is the baseline.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ConnectRelay {
  readonly url: string;
  /** `host:port` of each CONNECT, in order. */
  readonly connects: readonly string[];
  close(): Promise<void>;
}

export async function startConnectRelay(targetPort: number): Promise<ConnectRelay> {
  const connects: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', keep);
  server.on('connect', (request, client, head) => {
    connects.push(request.url ?? '');
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    keep(upstream);
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connects,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
