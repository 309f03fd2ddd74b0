// Opens connections to the proxy of HTTPS_PROXY, says nothing on them, and closes them once it is clear that the proxy takes no more.
// `hold-connections.mjs <count>`
import { connect } from 'node:net';

const count = Number(process.argv[2]);
const proxy = new URL(process.env.HTTPS_PROXY);
const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');

const sockets = Array.from({ length: count }, () => {
  const socket = connect(Number(proxy.port), proxy.hostname);
  socket.on('error', () => undefined);
  return socket;
});
await Promise.all(
  sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
);
// One more asks for something, as an agent would, while the proxy has no descriptor left: whatever comes of it, it comes soon.
const late = connect(Number(proxy.port), proxy.hostname);
late.on('error', () => undefined);
late.write(`CONNECT chatgpt.com:443 HTTP/1.1\r\nHost: chatgpt.com:443\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
await new Promise((resolve) => {
  late.once('data', resolve).once('close', resolve);
  setTimeout(resolve, 1000);
});
for (const socket of [...sockets, late]) socket.destroy();
