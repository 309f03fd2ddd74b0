// The provider that `tapes doctor` brings along: it lets an agent set itself up, gives every model call one and the same answer, and
// keeps what was asked.
import type { Usage } from '../domain/index.ts';
import { answerSetUp } from './plain-answer.ts';
import type { ReceivedCall, ReceivedRequest } from './received.ts';
import { refuseUpgrade, serveProvider } from './serve.ts';
import { sendResponse } from './sse.ts';
import type { Leaf } from './tls-listener.ts';

export interface BuiltInOptions {
  /** Key and certificate that are presented whatever name is asked for. */
  readonly leaf: Leaf;
  /** The answer to every model call. */
  readonly text: string;
  readonly usage: Usage;
  readonly onCall: (call: ReceivedCall) => void;
}

export interface BuiltInProvider {
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

/** Opens it on 127.0.0.1. */
export async function openBuiltInProvider({ leaf, text, usage, onCall }: BuiltInOptions): Promise<BuiltInProvider> {
  const requests: ReceivedRequest[] = [];
  let calls = 0;
  const { port, close } = await serveProvider({
    http2: true,
    port: 0,
    leaf,
    leafFor: () => leaf,
    onRequest: (request) => requests.push(request),
    async answerCall(call, exchange) {
      onCall(call);
      calls += 1;
      let ids = 0;
      const parts = [{ type: 'message', chunks: text.match(/\S+\s*/g) ?? [text] }] as const;
      await sendResponse(
        exchange,
        { parts, ending: { type: 'completed' }, usage },
        {
          responseId: `resp_doctor${calls}`,
          model: call.model ?? '',
          nextId: (prefix) => `${prefix}_doctor${calls}_${++ids}`,
        },
      );
    },
    answerOther: (request) => answerSetUp(request),
    // The interceptor refuses those that Codex can do without; there are no others to serve.
    answerUpgrade: (upgrade) => refuseUpgrade(upgrade, 426),
    onTlsError: () => undefined,
    onFault: () => undefined,
    onChange: () => undefined,
  });
  return { port, requests, close };
}
