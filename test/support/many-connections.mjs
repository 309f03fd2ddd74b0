// A client of many connections at once through HTTPS_PROXY: each asks one model call and reads its answer. `many-connections.mjs <count>`
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const count = Number(process.argv[2]);
const proxy = new URL(process.env.HTTPS_PROXY);
const login = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
const ca = readFileSync(process.env.CODEX_CA_CERTIFICATE);
const host = 'chatgpt.com';

const open = () =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(proxy.port), proxy.hostname);
    socket.once('error', reject);
    socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nProxy-Authorization: Basic ${login}\r\n\r\n`);
    socket.once('data', (head) => {
      if (!head.includes(' 200 ')) return reject(new Error(head.toString()));
      const secure = connectTls({ socket, servername: host, ca, ALPNProtocols: ['http/1.1'] }, () => resolve(secure));
      secure.once('error', reject);
    });
  });

const ask = (socket, index) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ model: 'gpt-test', stream: true, input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: `number ${index}` }] }] }); // prettier-ignore
    socket.write(
      `POST /backend-api/codex/responses HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.includes('event: response.completed')) resolve();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });

// All stand open before the first one asks.
const opened = await Promise.allSettled(Array.from({ length: count }, open));
const sockets = opened.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
const asked = await Promise.allSettled(sockets.map(ask));
const answered = asked.filter(({ status }) => status === 'fulfilled').length;
for (const { reason } of [...opened, ...asked].filter(({ status }) => status === 'rejected').slice(0, 3)) {
  console.error(String(reason));
}
console.log(`${answered} of ${count} answered`);
for (const socket of sockets) socket.destroy();
