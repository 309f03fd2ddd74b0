// A WebSocket through `tapes intercept` from the build, with an agent and a provider that mean it harm: what one says is hashed where the other gets it.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { makeLeaf, readTestRoot, testRootFile } from '../support/certificates.ts';
import type { RunResult } from '../support/run.ts';
import { makeTapesHome } from '../support/tapes.ts';
import { startWaitingAgent } from '../support/waiting-agent.ts';
import type { HostileSocket } from './socket-inputs.ts';

export interface SocketScene {
  /** From one side to the other; gives the hashes of what was said and of what came. */
  pass(input: HostileSocket): Promise<{ readonly said: string; readonly got: string }>;
  peakBytes(): number;
  /** Ends the run, which says what is missing. */
  end(): Promise<RunResult>;
  close(): Promise<void>;
}

export async function openSocketScene(): Promise<SocketScene> {
  const tapes = makeTapesHome();
  let take: (socket: Duplex) => void = () => undefined;
  const server = createServer(makeLeaf(readTestRoot(), ['chatgpt.com']));
  server.on('upgrade', (request, socket: Duplex) => {
    const extensions = request.headers['sec-websocket-extensions'];
    const agreed = extensions === undefined ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    socket.on('error', () => undefined);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${agreed}\r\n`);
    take(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = await startWaitingAgent(tapes, ['--resolve', `chatgpt.com:443:127.0.0.1:${port}`, '--upstream-ca', testRootFile]); // prettier-ignore
  let peakBytes = 0;
  const look = (): number => {
    const file = `/proc/${agent.running.pid}/status`;
    const status = existsSync(file) ? readFileSync(file, 'utf8') : '';
    peakBytes = Math.max(peakBytes, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    return peakBytes;
  };
  const end = (): Promise<RunResult> => {
    look();
    return agent.end();
  };
  return {
    async pass(input) {
      const accepted = new Promise<Duplex>((resolve) => (take = resolve));
      const client = await agent.connect('chatgpt.com');
      const extensions = input.isCompressed ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : '';
      client.write(`GET /backend-api/realtime HTTP/1.1\r\nHost: chatgpt.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extensions}\r\n`); // prettier-ignore
      const provider = await accepted;
      const [answer] = (await once(client, 'data')) as [Buffer];
      if (!answer.toString('latin1').endsWith('\r\n\r\n')) throw new Error('the upgrade was answered with more');
      const [speaker, listener] = input.from === 'agent' ? [client, provider] : [provider, client];
      speaker.resume();
      const [got, said] = await Promise.all([hear(listener), say(speaker, input.chunks())]);
      listener.end();
      look();
      return { said, got };
    },
    peakBytes: look,
    end,
    async close() {
      await end();
      server.closeAllConnections();
      server.close();
      tapes.remove();
    },
  };
}

async function say(socket: Duplex, chunks: Iterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for (const chunk of chunks) {
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  return hash.digest('hex');
}

async function hear(socket: Duplex): Promise<string> {
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => hash.update(chunk));
  await once(socket, 'end');
  return hash.digest('hex');
}
