// http-mitm-proxy as its README shows it, kept alive on both sides, with nothing done to what passes.
//   NODE_EXTRA_CA_CERTS=<the provider's root> node http-mitm-proxy.js <upstream port> <folder>
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';

import mitm from 'http-mitm-proxy';

const [upstreamPort, folder] = [Number(process.argv[2]), process.argv[3]];

class ToProvider extends Agent {
  createConnection(options, onConnect) {
    const { host } = options;
    return super.createConnection({ ...options, servername: host, host: '127.0.0.1', port: upstreamPort }, onConnect);
  }
}

const proxy = new mitm.Proxy();
proxy.onError(() => undefined);
const say = console.log;
console.log = console.warn = console.error = console.debug = () => undefined;

// It does not say which port it was given: it is told one.
const free = createServer().listen(0, '127.0.0.1', () => {
  const { port } = free.address();
  free.close(() => {
    const options = {
      host: '127.0.0.1',
      port,
      sslCaDir: folder,
      keepAlive: true,
      httpsAgent: new ToProvider({ keepAlive: true }),
    };
    proxy.listen(options, () => say(JSON.stringify({ port, caFile: join(folder, 'certs', 'ca.pem') })));
  });
});
process.stdin.resume().once('end', () => process.exit());
