// Is anybody at a port of this machine, and does an answer come?
import { connect } from 'node:net';

const withinMs = 2_000;

/** closed: nobody listens. silent: somebody does, and says nothing within two seconds. A proxy of tapes answers whoever asks. */
export function knock(port: number): Promise<'closed' | 'silent' | 'answers'> {
  return new Promise((resolve) => {
    let isOpen = false;
    const socket = connect({ host: '127.0.0.1', port });
    const settle = (found: 'closed' | 'silent' | 'answers'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(() => settle(isOpen ? 'silent' : 'closed'), withinMs);
    socket.once('connect', () => {
      isOpen = true;
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', () => settle('answers'));
    socket.once('error', () => settle(isOpen ? 'silent' : 'closed'));
    socket.once('end', () => settle('silent'));
  });
}
