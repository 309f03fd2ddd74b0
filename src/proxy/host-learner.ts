// Listens to the answers in which a provider names a host of its own for this login, and passes all events on.
import type { Sink, WireEvent } from '../domain/index.ts';
import { decodeBody } from '../wire/index.ts';

const maxAnswerBytes = 1024 * 1024;

interface Answer {
  readonly path: string;
  readonly chunks: Uint8Array[];
  sizeBytes: number;
  encoding: string | null;
}

/** A sink in front of `sink` that calls `onHost` for each host named. */
export function learnHosts<R>(
  sink: Sink<R>,
  readBackendHosts: (path: string, answer: string) => readonly string[],
  onHost: (host: string) => void,
): Sink<R> {
  const answers = new Map<string, Answer>();
  const learn = async ({ path, chunks, encoding }: Answer): Promise<void> => {
    const { bytes } = await decodeBody(Buffer.concat(chunks), encoding, { maxBytes: maxAnswerBytes });
    for (const host of readBackendHosts(path, Buffer.from(bytes).toString('utf8'))) onHost(host.toLowerCase());
  };
  const watch = (event: WireEvent): void => {
    switch (event.type) {
      case 'requestStarted':
        // Only a GET is a question; model calls (POST) are never held here.
        if (event.request.method === 'GET') {
          answers.set(event.exchangeId, { path: event.request.path, chunks: [], sizeBytes: 0, encoding: null });
        }
        return;
      case 'responseStarted': {
        const answer = answers.get(event.exchangeId);
        if (answer === undefined) return;
        answer.encoding =
          event.response.headers.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1] ?? null;
        return;
      }
      case 'responseData': {
        const answer = answers.get(event.exchangeId);
        if (answer === undefined) return;
        answer.sizeBytes += event.data.length;
        if (answer.sizeBytes > maxAnswerBytes) answers.delete(event.exchangeId);
        else answer.chunks.push(event.data);
        return;
      }
      case 'responseEnded':
      case 'exchangeAborted': {
        const answer = answers.get(event.exchangeId);
        if (answer === undefined) return;
        answers.delete(event.exchangeId);
        // An answer that cannot be read teaches nothing; the agent's traffic is not touched by that.
        learn(answer).catch(() => undefined);
        return;
      }
      default: // tunnels, sockets and what else cannot be the answer to a GET
    }
  };
  return {
    push(event) {
      watch(event);
      sink.push(event);
    },
    close: () => sink.close(),
  };
}
