// From an answer to the events that stream it, one by one, as the Responses API writes them. Pure but for the ids it draws.
import { noUsage, type Usage } from '../domain/index.ts';
import type { EventJson, Json, Part, ResponseAnswer } from './answer.ts';

export interface RenderContext {
  readonly responseId: string;
  readonly model: string;
  /** The next id with this prefix, unique in the provider: `msg_1`, `msg_2`, `rs_1` … */
  nextId(prefix: string): string;
}

export interface TimedEvent {
  readonly json: EventJson;
  /** A pause that belongs to the event itself, on top of the answer's delays. */
  readonly afterMs?: number;
}

export function* renderAnswer(answer: ResponseAnswer, context: RenderContext): Generator<TimedEvent> {
  const head = { id: context.responseId, object: 'response' };
  const { model } = context;
  if (answer.withoutCreated !== true) {
    yield timed('response.created', {
      sequence_number: 0,
      response: { ...head, status: 'in_progress', model, output: [] },
    });
  }
  const done: Json[] = [];
  for (const part of answer.parts) {
    const finished = yield* renderPart(part, done.length, context);
    if (finished !== null) done.push(finished);
  }
  const output = answer.fullOutput === true ? done : [];
  const usage = answer.usage === null ? {} : { usage: wireUsage(answer.usage ?? defaultUsage) };
  switch (answer.ending.type) {
    case 'completed':
      yield timed('response.completed', { response: { ...head, status: 'completed', model, output, ...usage } });
      return;
    case 'incomplete': {
      const details = { incomplete_details: { reason: answer.ending.reason } };
      yield timed('response.incomplete', {
        response: { ...head, status: 'incomplete', model, output, ...details, ...usage },
      });
      return;
    }
    case 'failed': {
      const { code, message } = answer.ending;
      yield timed('response.failed', {
        response: { ...head, status: 'failed', model, output, error: { code, message } },
      });
      return;
    }
    case 'none':
  }
}

/** Streams one part; its return value is the finished item, null where it made none. */
function* renderPart(part: Part, outputIndex: number, context: RenderContext): Generator<TimedEvent, Json | null> {
  const at = { output_index: outputIndex };
  const added = (item: Json) => timed('response.output_item.added', { ...at, item });
  const done = (item: Json) => timed('response.output_item.done', { ...at, item });
  switch (part.type) {
    case 'message': {
      const id = context.nextId('msg');
      yield added(message(id, 'in_progress', []));
      for (const delta of part.chunks) yield textDelta(id, outputIndex, delta);
      const whole = [{ type: 'output_text', text: part.chunks.join(''), annotations: [] }];
      const item = message(id, 'completed', whole);
      yield done(item);
      return item;
    }
    case 'endless': {
      const id = context.nextId('msg');
      yield added(message(id, 'in_progress', []));
      while (true) yield { ...textDelta(id, outputIndex, part.delta), afterMs: part.everyMs };
    }
    case 'reasoning': {
      const id = context.nextId('rs');
      const place = { item_id: id, ...at, summary_index: 0 };
      const summary = { type: 'summary_text', text: part.chunks.join('') };
      yield added({ id, type: 'reasoning', summary: [] });
      yield timed('response.reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } });
      for (const delta of part.chunks) yield timed('response.reasoning_summary_text.delta', { ...place, delta });
      yield timed('response.reasoning_summary_part.done', { ...place, part: summary });
      const item = { id, type: 'reasoning', summary: [summary], encrypted_content: `gAAAA-stand-in-opaque-${id}` };
      yield done(item);
      return item;
    }
    case 'customToolCall': {
      const { name, namespace, input } = part;
      const call = { id: context.nextId('ctc'), type: 'custom_tool_call', call_id: context.nextId('call') };
      const item = { ...call, status: 'completed', name, namespace, input };
      yield added({ ...item, status: 'in_progress', input: '' });
      yield timed('response.custom_tool_call_input.delta', { item_id: call.id, ...at, delta: input });
      yield done(item);
      return item;
    }
    case 'functionCall': {
      const { name, arguments: args } = part;
      const namespace = part.namespace === null ? {} : { namespace: part.namespace };
      const call = { id: context.nextId('fc'), type: 'function_call', call_id: context.nextId('call') };
      const item = { ...call, status: 'completed', name, ...namespace, arguments: args };
      yield added({ ...item, status: 'in_progress', arguments: '' });
      yield timed('response.function_call_arguments.delta', { item_id: call.id, ...at, delta: args });
      yield done(item);
      return item;
    }
    case 'webSearch': {
      const id = context.nextId('ws');
      yield added({ id, type: 'web_search_call', status: 'in_progress' });
      yield timed('response.web_search_call.searching', { item_id: id, ...at });
      const action = { type: 'search', query: part.query };
      const item = { id, type: 'web_search_call', status: 'completed', action };
      yield done(item);
      return item;
    }
    case 'compaction': {
      const id = context.nextId('cmp');
      const item = { id, type: 'compaction', encrypted_content: part.encryptedContent };
      yield done(item);
      return item;
    }
    case 'item':
      yield done(part.json);
      return part.json;
    case 'event':
      yield { json: part.json };
      return null;
  }
}

function timed(type: string, fields: Json): TimedEvent {
  return { json: { type, ...fields } };
}

function textDelta(itemId: string, outputIndex: number, delta: string): TimedEvent {
  return timed('response.output_text.delta', { item_id: itemId, output_index: outputIndex, content_index: 0, delta });
}

function message(id: string, status: string, content: readonly Json[]): Json {
  return { id, type: 'message', role: 'assistant', status, content };
}

const defaultUsage: Partial<Usage> = {
  inputTokens: 100,
  cachedInputTokens: 40,
  outputTokens: 12,
  reasoningTokens: 5,
};

function wireUsage(partial: Partial<Usage>): Json {
  const usage = { ...noUsage, ...partial };
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: partial.totalTokens ?? usage.inputTokens + usage.outputTokens,
  };
}
