// mockttp and nothing else, set up as lean as its options allow: it intercepts every host, passes all through, and keeps no body.
//   NODE_EXTRA_CA_CERTS=<the provider's root> node mockttp.js <upstream port> <folder>
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';

import { generateCACertificate, getLocal } from 'mockttp';

const [upstreamPort, folder] = [Number(process.argv[2]), process.argv[3]];

// It has no option that leads to another port: its connections are led there at the one place that all of them pass. They report no local port,
// for on loopback one that equals a client's by chance is taken for a loop and refused.
const { connect } = tls;
tls.connect = (...given) => {
  const options = Object.assign({}, ...given.filter((value) => typeof value === 'object' && value !== null));
  const onSecure = given.find((value) => typeof value === 'function');
  const socket = connect({ ...options, host: '127.0.0.1', port: upstreamPort }, onSecure);
  Object.defineProperty(socket, 'localPort', { get: () => undefined });
  return socket;
};

const caFile = join(folder, 'ca.pem');
const keyFile = join(folder, 'ca.key');
if (!existsSync(caFile)) {
  const { cert, key } = await generateCACertificate({ subject: { commonName: 'bench: bare mockttp' } });
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(caFile, cert);
}
const engine = getLocal({
  https: { cert: readFileSync(caFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
  http2: 'fallback',
  recordTraffic: false,
  suggestChanges: false,
  maxBodySize: 0,
});
await engine.forAnyRequest().thenPassThrough();
// It tells of each connection that a client has ended on the console.
const say = console.log;
console.log = console.warn = console.error = () => undefined;
await engine.start();
say(JSON.stringify({ port: engine.port, caFile }));
process.stdin.resume().once('end', () => process.exit());
