// The product between a client and a provider that mean it harm, over HTTP/1.1: one exchange after the other.
import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { Connection } from '../../src/store/connection.ts';
import { makeLeaf, readTestRoot } from '../support/certificates.ts';
import type { RunResult } from '../support/run.ts';
import type { TapesHome } from '../support/tapes.ts';
import type { HostileInput } from './inputs.ts';
import { startWaitingTapes } from './waiting-tapes.ts';

export interface Passed {
  readonly status: number;
  /** What the client got, and what the provider got. */
  readonly answer: { readonly bytes: number; readonly sha256: string; readonly rawHeaders: readonly string[] };
  readonly request: { readonly bytes: number; readonly sha256: string; readonly rawHeaders: readonly string[] };
  /** What was sent to the client. */
  readonly sent: { readonly bytes: number; readonly sha256: string };
}

export interface RecordedBody {
  readonly wire_bytes: number;
  readonly wire_sha256: string | null;
  readonly problem: string | null;
}

export interface HostileScene {
  readonly tapes: TapesHome;
  /** One exchange, from the client to the provider and back. Settles when it is on disk too. */
  pass(input: HostileInput): Promise<Passed & { readonly call: Recorded }>;
  /** The most that the process of tapes has had in memory so far. */
  peakBytes(): number;
  /** Ends the agent, and with it the run. */
  end(): Promise<RunResult>;
  close(): Promise<void>;
}

export interface Recorded {
  readonly id: string;
  readonly status: string;
  readonly request: RecordedBody | null;
  readonly response: RecordedBody | null;
}

export async function openHostileScene(): Promise<HostileScene> {
  let current: { input: HostileInput; got: (passed: Pick<Passed, 'request' | 'sent'>) => void } | null = null;
  const server = createServer(
    { ...makeLeaf(readTestRoot(), ['chatgpt.com']), maxHeaderSize: 2 ** 20 },
    (request, response) => {
      const { input, got } = current!;
      void (async () => {
        const received = await digest(request);
        const hash = createHash('sha256');
        let bytes = 0;
        const { headers, chunks } = input.answer();
        response.writeHead(200, headers.flat() as unknown as OutgoingHttpHeaders);
        for (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
        }
        got({ request: { ...received, rawHeaders: request.rawHeaders }, sent: { bytes, sha256: hash.digest('hex') } });
        response.end();
      })();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const waiting = await startWaitingTapes(port);
  const { tapes, peakBytes, end } = waiting;
  let inputs = 0;
  return {
    tapes,
    async pass(input) {
      const passing = new Promise<Pick<Passed, 'request' | 'sent'>>((resolve) => {
        current = { input, got: resolve };
      });
      const socket = await waiting.connect('http/1.1');
      const path = `/backend-api/codex/responses?input=${++inputs}`;
      const response = await ask(socket, path, input);
      const answer = { ...(await digest(response)), rawHeaders: response.rawHeaders };
      const { request, sent } = await passing;
      socket.destroy();
      const call = await readCall(join(tapes.dir, 'tapes.db'), path, peakBytes);
      return { status: response.statusCode ?? 0, answer, request, sent, call };
    },
    peakBytes,
    end,
    async close() {
      await waiting.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function digest(stream: IncomingMessage): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

function ask(socket: Socket, path: string, { request: { headers, chunks } }: HostileInput): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: 'chatgpt.com',
      path,
      method: 'POST',
      createConnection: () => socket,
      maxHeaderSize: 2 ** 20,
      headers: ['Host', 'chatgpt.com', 'Transfer-Encoding', 'chunked', ...headers.flat()] as never,
    });
    request.once('error', reject);
    request.once('response', resolve);
    void (async () => {
      for (const chunk of chunks()) if (!request.write(chunk)) await new Promise((next) => request.once('drain', next));
      request.end();
    })();
  });
}

/** The call, once it has ended on disk. */
async function readCall(dbFile: string, path: string, look: () => number): Promise<Recorded> {
  for (const endsAt = Date.now() + 50_000; Date.now() < endsAt;) {
    look();
    const connection = await Connection.open(dbFile, 'read');
    try {
      const call = await connection.get<{ id: string; status: string }>(
        `SELECT calls.id, calls.status FROM exchanges JOIN calls ON calls.exchange_id = exchanges.id
         JOIN call_times ON call_times.call_id = calls.id WHERE exchanges.path = ? AND ended <> 'open'`,
        [path],
      );
      if (call !== undefined) {
        const bodies = await connection.all<RecordedBody & { side: string }>(
          'SELECT side, wire_bytes, wire_sha256, problem FROM bodies WHERE call_id = ?',
          [call.id],
        );
        const of = (side: string): RecordedBody | null => bodies.find((body) => body.side === side) ?? null;
        return { id: call.id, status: call.status, request: of('request'), response: of('response') };
      }
    } finally {
      await connection.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the call is not on disk');
}
