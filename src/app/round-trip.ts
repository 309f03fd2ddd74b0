// One request through an interceptor of our own to a server of our own, all on loopback: does the whole chain work on this machine?
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { makeThrowAwayServer, type Root } from '../ca/index.ts';
import { openInterceptor } from '../proxy/index.ts';

const answerText = 'tapes round trip';
const timeoutMs = 10_000;

/** Settles with the HTTP status line seen by the client. Throws what failed. */
export async function makeRoundTrip(root: Root, host: string): Promise<string> {
  const { certificatePem, keyPem } = await makeThrowAwayServer(host);
  const server = createServer({ key: keyPem, cert: certificatePem }, (_request, response) => response.end(answerText));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const interceptor = await openInterceptor({
    port: 0,
    root,
    interceptHosts: [host],
    isPermitted: () => false,
    isRefusedUpgrade: () => false,
    readBackendHosts: () => [],
    routes: {
      resolve: [{ host, port: 443, toAddress: '127.0.0.1', toPort: (server.address() as AddressInfo).port }],
      proxy: null,
      noProxy: '',
    },
    extraRoots: [certificatePem],
    sink: { push: () => undefined, close: async () => undefined },
  });
  try {
    const { failure } = await interceptor.load();
    if (failure !== null) throw new Error(`the engine does not load: ${failure}`);
    const answer = await ask(interceptor.port, interceptor.password, host, root.certificatePem);
    if (!answer.endsWith(answerText)) throw new Error(`an unexpected answer came back: ${answer.slice(0, 80)}`);
    return answer.split('\r\n', 1)[0]!;
  } finally {
    await interceptor.close();
    server.closeAllConnections();
    server.close();
  }
}

async function ask(port: number, password: string, host: string, ca: string): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = connectTcp(port, '127.0.0.1');
  try {
    const credentials = Buffer.from(`tapes:${password}`).toString('base64');
    socket.write(
      `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`,
    );
    const [head] = (await once(socket, 'data', { signal })) as [Buffer];
    if (!head.toString('latin1').startsWith('HTTP/1.1 200'))
      throw new Error(`the door answered: ${head.toString('latin1').trim()}`);
    // With this verifier's own reading of the name constraints: a root that is wrong fails here, not in an agent.
    const secure = connectTls({ socket, servername: host, ca });
    await once(secure, 'secureConnect', { signal });
    secure.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    secure.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    await once(secure, 'end', { signal });
    return answer;
  } finally {
    socket.destroy();
  }
}
