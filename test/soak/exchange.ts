// One HTTP exchange of the soak: what is asked over a connection that somebody else has opened, HTTP/1.1 or HTTP/2, and what came of it.
import { request as requestHttp1 } from 'node:https';
import type { ClientHttp2Session } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { askHeader, interceptedHost, type Ask } from './ask.ts';

export interface Asked {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  readonly ask: Ask;
}

export interface Reading {
  /** Hangs up after so many bytes of the answer. */
  readonly leaveAfterBytes?: number;
  /** Waits so long after each chunk. */
  readonly pauseMs?: number;
}

export interface Got {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** How the answer ended early; null: it ended well. */
  readonly failure: string | null;
}

/** A connection that takes one exchange after another. */
export interface Line {
  exchange(asked: Asked, reading?: Reading): Promise<Got>;
  close(): void;
}

export function http1Line(socket: TLSSocket): Line {
  return {
    async exchange({ path, headers, body, ask }, reading = {}) {
      const asked = requestHttp1({ host: interceptedHost, path, method: 'POST', createConnection: () => socket });
      for (const [name, value] of headers) asked.setHeader(name, value);
      asked.setHeader(askHeader, JSON.stringify(ask));
      asked.setHeader('content-length', body.length);
      asked.setHeader('connection', 'keep-alive');
      const failed = failureOf(asked);
      const answered = new Promise<{ status: number; stream: Readable }>((resolve) => {
        asked.once('response', (response) => resolve({ status: response.statusCode ?? 0, stream: response }));
      });
      asked.end(body);
      return readAnswer(await Promise.race([answered, failed]), failed, () => asked.destroy(), reading);
    },
    close: () => void socket.destroy(),
  };
}

export function http2Line(session: ClientHttp2Session): Line {
  return {
    async exchange({ path, headers, body, ask }, reading = {}) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        ':authority': interceptedHost,
        ...Object.fromEntries(headers),
        [askHeader]: JSON.stringify(ask),
      });
      const failed = failureOf(stream);
      const answered = new Promise<{ status: number; stream: Readable }>((resolve) => {
        stream.once('response', (fields) => resolve({ status: fields[':status'] ?? 0, stream }));
      });
      stream.end(body);
      const got = await readAnswer(await Promise.race([answered, failed]), failed, () => stream.close(8), reading);
      // A stream of which the connection died can end as if it were whole.
      const isWhole = stream.rstCode === 0 && !session.destroyed;
      return got.failure === null && !isWhole ? { ...got, failure: `RST_STREAM ${stream.rstCode}` } : got;
    },
    close: () => session.destroy(),
  };
}

function failureOf(stream: NodeJS.EventEmitter): Promise<string> {
  return new Promise((resolve) => {
    stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    // What ends without an answer; after one this comes too late to be heard.
    stream.once('close', () => setImmediate(() => resolve('closed')));
  });
}

async function readAnswer(
  answered: { status: number; stream: Readable } | string,
  failed: Promise<string>,
  leave: () => void,
  { leaveAfterBytes = Infinity, pauseMs = 0 }: Reading,
): Promise<Got> {
  if (typeof answered === 'string') return { status: 0, bytes: new Uint8Array(0), failure: answered };
  const chunks: Uint8Array[] = [];
  let size = 0;
  let failure: string | null = null;
  try {
    for await (const chunk of answered.stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= leaveAfterBytes) {
        leave();
        failure = 'left';
        break;
      }
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  } catch (error) {
    failure = (error as NodeJS.ErrnoException).code ?? String(error);
    void failed;
  }
  return { status: answered.status, bytes: Buffer.concat(chunks), failure };
}
