// Whose an exchange is, as its own head says it: the call has the exchange's id, as in the database, and the turn is named by the agent. Over
// a WebSocket each `response.create` is a call, numbered as there.
import { identityReaderOf } from '../../agents/index.ts';
import { isCallRequest } from '../../derive/index.ts';
import type { RequestHead } from '../../domain/index.ts';
import { readOutsideJson } from '../../domain/index.ts';
import type { DumpEvent, ExchangeLabel, LabelReader } from '../dump-event.ts';

export class CallLabels {
  readonly #identify: ReturnType<typeof identityReaderOf>;
  readonly #sockets = new Map<string, { readonly request: RequestHead; calls: number }>();

  constructor(agent: string | null) {
    this.#identify = identityReaderOf(agent);
  }

  readonly labelOf: LabelReader = (exchangeId, { method, path, headers }): ExchangeLabel | null =>
    isCallRequest(method, path) ? { callId: exchangeId, turnId: this.#identify(headers, null, path).turnId } : null;

  /** What is to be said of a WebSocket before an event of it; null: nothing. */
  remarkOn(event: DumpEvent): DumpEvent | null {
    if (event.type === 'socketOpened') this.#sockets.set(event.exchangeId, { request: event.request, calls: 0 });
    if (event.type === 'socketClosed') this.#sockets.delete(event.exchangeId);
    if (event.type !== 'socketMessage' || event.from !== 'agent' || event.isBinary) return null;
    const socket = this.#sockets.get(event.exchangeId);
    if (socket === undefined || !isCallRequest('POST', socket.request.path)) return null;
    const body = readCreate(event.data);
    if (body === null) return null;
    const { headers, path } = socket.request;
    const callId = `${event.exchangeId}.${++socket.calls}`;
    const { turnId } = this.#identify(headers, body, path);
    const text = `tapes: call ${callId}${turnId === null ? '' : ` of turn ${turnId}`} · tapes show ${callId}`;
    const { exchangeId, at, mono } = event;
    return { type: 'remark', exchangeId, side: 'request', text, at, mono };
  }
}

function readCreate(data: Uint8Array): Readonly<Record<string, unknown>> | null {
  const read = readOutsideJson(new TextDecoder().decode(data));
  const json = read.type === 'json' ? read.value : null;
  const isCreate = typeof json === 'object' && json !== null && 'type' in json && json.type === 'response.create';
  return isCreate ? { ...json } : null;
}
