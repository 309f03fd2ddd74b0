// An agent that talks over a WebSocket, through the proxy of its environment: node --import tsx <this> URL MESSAGE…
// A message that begins with 0x goes as bytes. Each is echoed; then it hangs up.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';

const [url = '', ...messages] = process.argv.slice(2);
const { hostname } = new URL(url);
const proxy = new URL(process.env['HTTPS_PROXY'] ?? '');
const socket = connectTcp(Number(proxy.port), proxy.hostname);
const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
socket.write(
  `CONNECT ${hostname}:443 HTTP/1.1\r\nHost: ${hostname}:443\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
);
await once(socket, 'data');
const ca = readFileSync(process.env['CODEX_CA_CERTIFICATE'] ?? '');
const secure = connectTls({ socket, servername: hostname, ca, ALPNProtocols: ['http/1.1'] });
await once(secure, 'secureConnect');
const client = new WebSocket(url, {
  createConnection: () => secure,
  headers: { authorization: `Bearer ${process.env['SOCKET_TOKEN'] ?? ''}` },
});
await once(client, 'open');
for (const message of messages) {
  client.send(message.startsWith('0x') ? Buffer.from(message.slice(2), 'hex') : message);
  await once(client, 'message');
}
client.close(1000, 'enough');
await once(client, 'close');
