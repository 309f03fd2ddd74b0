// Scripts of wire events, for testing sinks with no network: a clock that only moves when told, requests in the shapes of Codex.
import type { Endpoint, RawHeaders, RequestHead, ResponseHead, Stamp, WireEvent } from '../../src/domain/index.ts';

export interface CodexRequest {
  readonly session?: string;
  readonly thread?: string;
  readonly turn?: string;
  readonly prompt?: string;
  readonly kind?: string;
  readonly input?: readonly object[];
  /** More fields of the metadata. */
  readonly metadata?: object;
  /** More fields of the body. */
  readonly body?: object;
  readonly token?: string;
  /** The agent's end of the connection. */
  readonly client?: Endpoint;
}

const encoder = new TextEncoder();

export class WireScript {
  readonly events: WireEvent[] = [];
  #at: number;
  #mono = 5000;

  constructor(at = Date.UTC(2026, 10, 23, 12, 0, 0)) {
    this.#at = at;
  }

  get now(): Stamp {
    return { at: this.#at, mono: this.#mono };
  }

  wait(ms: number): this {
    this.#at += ms;
    this.#mono += ms;
    return this;
  }

  add(event: object): this {
    this.events.push({ ...event, ...this.now } as WireEvent);
    return this;
  }

  /** The whole of a POST's request. */
  post(exchangeId: string, request: Partial<RequestHead>, body: Uint8Array | string): this {
    this.add({ type: 'requestStarted', exchangeId, request: requestHead(request) });
    const bytes = typeof body === 'string' ? encoder.encode(body) : body;
    if (bytes.length > 0) this.add({ type: 'requestData', exchangeId, data: bytes });
    return this.add({ type: 'requestEnded', exchangeId });
  }

  /** A model call as Codex 0.169 makes it. */
  call(exchangeId: string, request: CodexRequest = {}): this {
    const { headers, body } = codexRequest(request);
    return this.post(exchangeId, { headers, client: request.client ?? null }, JSON.stringify(body));
  }

  /** A connection of the agent's opens, or one to the provider. */
  open(leg: 'agent' | 'provider', client: Endpoint, server: Endpoint | null = null): this {
    return this.add({ type: 'connectionOpened', leg, client, server, host: 'chatgpt.com', port: 443 });
  }

  close(leg: 'agent' | 'provider', client: Endpoint, end: { by?: 'client' | 'server'; isReset?: boolean } = {}): this {
    return this.add({ type: 'connectionEnded', leg, client, server: null, by: 'client', isReset: false, ...end });
  }

  head(exchangeId: string, response: Partial<ResponseHead> = {}): this {
    return this.add({
      type: 'responseStarted',
      exchangeId,
      response: { status: 200, reason: 'OK', headers: [], ...response },
    });
  }

  data(exchangeId: string, data: Uint8Array | string): this {
    return this.add({
      type: 'responseData',
      exchangeId,
      data: typeof data === 'string' ? encoder.encode(data) : data,
    });
  }

  end(exchangeId: string): this {
    return this.add({ type: 'responseEnded', exchangeId });
  }

  abort(exchangeId: string, by: 'agent' | 'upstream' | 'tapes', error: object | null = null): this {
    return this.add({ type: 'exchangeAborted', exchangeId, by, error });
  }

  /** A whole streamed answer, 10 ms an event, and the hang-up that Codex ends it with. */
  answer(exchangeId: string, events: readonly object[], headers: RawHeaders = []): this {
    this.head(exchangeId, { headers });
    for (const event of events) this.wait(10).data(exchangeId, sse(event));
    return this.wait(1).abort(exchangeId, 'agent');
  }
}

export function requestHead(request: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'POST',
    scheme: 'https',
    host: 'chatgpt.com',
    port: 443,
    path: '/backend-api/codex/responses',
    httpVersion: '2.0',
    headers: [],
    client: null,
    ...request,
  };
}

export function codexRequest(request: CodexRequest): { headers: RawHeaders; body: Record<string, unknown> } {
  const { session = 'session-aaaa-1', turn = 'turn-aaaa-1', kind = 'turn', prompt = 'list the files' } = request;
  const thread = request.thread ?? session;
  const metadata = JSON.stringify({
    session_id: session,
    thread_id: thread,
    agent_name: '/root',
    turn_id: turn,
    request_kind: kind,
    thread_source: 'user',
    workspaces: { '/home/dev/project': { has_changes: false } },
    ...request.metadata,
  });
  return {
    headers: [
      ['version', '0.169.0'],
      ['x-codex-turn-metadata', metadata],
      ['session-id', session],
      ['thread-id', thread],
      ['content-type', 'application/json'],
      ['authorization', `Bearer ${request.token ?? 'token-of-the-test-0123456789'}`],
      ['originator', 'codex_exec'],
    ],
    body: {
      model: 'gpt-6.1-sol',
      stream: true,
      input: request.input ?? [...opening(turn), userMessage(prompt, turn)],
      prompt_cache_key: session,
      ...request.body,
      client_metadata: { 'x-codex-turn-metadata': metadata, turn_id: turn, thread_id: thread, session_id: session },
    },
  };
}

export function opening(turn: string): object[] {
  return [
    { type: 'additional_tools', id: 'at_1', role: 'developer', tools: [{ type: 'custom', name: 'exec' }] },
    message('msg_env', 'user', '<environment_context>\n  <cwd>/home/dev/project</cwd>\n</environment_context>', turn, [
      'environments.environment_context',
    ]),
  ];
}

export function userMessage(text: string, turn: string, id = `msg_${turn}`): object {
  return message(id, 'user', text, turn, ['user.text']);
}

function message(id: string, role: string, text: string, turn: string, kinds: readonly string[]): object {
  return {
    type: 'message',
    id,
    role,
    content: [{ type: 'input_text', text }],
    internal_chat_message_metadata_passthrough: { turn_id: turn, content_item_kinds: kinds },
  };
}

export const sse = (event: object): string =>
  `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`;

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 12,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 112,
};

export const created = (id = 'resp_1'): object => ({
  type: 'response.created',
  response: { id, object: 'response', status: 'in_progress', model: 'gpt-6.1-sol', output: [] },
});

export const completed = (id = 'resp_1'): object => ({
  type: 'response.completed',
  response: { id, object: 'response', status: 'completed', model: 'gpt-6.1-sol', output: [], usage },
});

export const itemDone = (item: object, outputIndex = 0): object => ({
  type: 'response.output_item.done',
  output_index: outputIndex,
  item,
});

export const assistantMessage = (text: string, id = 'msg_a1'): object => ({
  id,
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

export const textDelta = (delta: string, itemId = 'msg_a1'): object => ({
  type: 'response.output_text.delta',
  item_id: itemId,
  output_index: 0,
  content_index: 0,
  delta,
});

/** created, a delta for each word, the message, completed. */
export function plainAnswer(text: string, id = 'resp_1'): object[] {
  const words = text.split(/(?<= )/);
  return [
    created(id),
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { id: `msg_${id}`, type: 'message', role: 'assistant', status: 'in_progress', content: [] },
    },
    ...words.map((word) => textDelta(word, `msg_${id}`)),
    itemDone(assistantMessage(text, `msg_${id}`)),
    completed(id),
  ];
}
