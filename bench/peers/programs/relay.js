// The floor for any proxy: every CONNECT becomes a plain TCP connection to one port on loopback, and bytes are passed on.
//   node relay.js <upstream port>
import { connect, createServer } from 'node:net';

const upstreamPort = Number(process.argv[2]);

const server = createServer({ noDelay: true }, (client) => {
  client.on('error', () => undefined);
  let head = '';
  const readHead = (/** @type {Buffer} */ chunk) => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    client.off('data', readHead);
    client.pause();
    const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
  };
  client.on('data', readHead);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume().once('end', () => process.exit());
