// How a test writes down answers: `text('Hello')`, `together(reasoning('Planning'), toolCall({ input: '…' }))`.
// Answers are plain data, so `{ ...text('Hello'), compress: 'gzip' }` is an answer too.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { Answer, EventJson, Ending, Json, Part, StreamAnswer, StreamOptions } from './answer.ts';

function stream(
  parts: readonly Part[],
  options: StreamOptions = {},
  ending: Ending = { type: 'completed' },
): StreamAnswer {
  return { ...options, type: 'stream', parts, ending };
}

/** A message; `chunks` are its deltas (default: word by word), `reasoning` a summary before it. */
export function text(
  value: string,
  options: StreamOptions & { readonly chunks?: readonly string[]; readonly reasoning?: string } = {},
): StreamAnswer {
  const { chunks = words(value), reasoning: summary, ...rest } = options;
  const message: Part = { type: 'message', chunks };
  return stream(summary === undefined ? [message] : [{ type: 'reasoning', chunks: words(summary) }, message], rest);
}

/** What Codex runs: `toolCall({ input: execCommand('echo hi') })`. */
export function toolCall(
  call: { readonly name?: string; readonly namespace?: string; readonly input: string },
  options?: StreamOptions,
): StreamAnswer {
  const { name = 'exec', namespace = 'functions', input } = call;
  return stream([{ type: 'customToolCall', name, namespace, input }], options);
}

/** The JavaScript with which the model has Codex run a shell command. */
export function execCommand(command: string): string {
  return `text(JSON.stringify(await tools.exec_command({cmd:${JSON.stringify(command)}})))`;
}

export function functionCall(
  call: { readonly name: string; readonly namespace?: string; readonly arguments: Json | string },
  options?: StreamOptions,
): StreamAnswer {
  const args = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
  return stream(
    [{ type: 'functionCall', name: call.name, namespace: call.namespace ?? null, arguments: args }],
    options,
  );
}

/** Has Codex start a sub-agent `/root/<taskName>`. */
export function spawnAgent(taskName: string, message: string, options?: StreamOptions): StreamAnswer {
  const args = { task_name: taskName, message };
  return functionCall({ name: 'spawn_agent', namespace: 'collaboration', arguments: args }, options);
}

/** Has Codex wait for a message of a sub-agent. */
export function waitAgent(timeoutMs = 10_000, options?: StreamOptions): StreamAnswer {
  const args = { timeout_ms: timeoutMs };
  return functionCall({ name: 'wait_agent', namespace: 'collaboration', arguments: args }, options);
}

export function reasoning(summary: string, options?: StreamOptions): StreamAnswer {
  return stream([{ type: 'reasoning', chunks: words(summary) }], options);
}

export function webSearch(query: string, options?: StreamOptions): StreamAnswer {
  return stream([{ type: 'webSearch', query }], options);
}

/** The answer to a request that ends in a `compaction_trigger`. */
export function compaction(encryptedContent = 'gAAAA-stand-in-compacted', options?: StreamOptions): StreamAnswer {
  return stream([{ type: 'compaction', encryptedContent }], options);
}

/** An output item of any shape. */
export function item(json: Json, options?: StreamOptions): StreamAnswer {
  return stream([{ type: 'item', json }], options);
}

/** Events of any shape between `response.created` and `response.completed`. */
export function events(list: readonly EventJson[], options?: StreamOptions): StreamAnswer {
  return stream(
    list.map((json) => ({ type: 'event', json })),
    options,
  );
}

/** These events and no others. */
export function onlyEvents(list: readonly EventJson[], options?: StreamOptions): StreamAnswer {
  return { ...events(list, options), withoutCreated: true, ending: { type: 'none' } };
}

/** One response with the items of all; options and ending of a later one win. */
export function together(...answers: readonly StreamAnswer[]): StreamAnswer {
  const merged: StreamAnswer = Object.assign({}, stream([]), ...answers);
  return { ...merged, parts: answers.flatMap((answer) => answer.parts) };
}

/** The connection is destroyed after so many events of the answer (of a text: created, added, then deltas). */
export function cutAfter(eventCount: number, answer: StreamAnswer = text('This answer is cut.')): StreamAnswer {
  return { ...answer, cutAfter: eventCount };
}

export function failed(code: string, message: string, options?: StreamOptions): StreamAnswer {
  return stream([], options, { type: 'failed', code, message });
}

export function incomplete(reason: string, options?: StreamOptions): StreamAnswer {
  return stream([{ type: 'message', chunks: ['Stopped ', 'early'] }], options, { type: 'incomplete', reason });
}

/** Deltas for ever, until the client leaves. */
export function hang(
  options: StreamOptions & { readonly delta?: string; readonly everyMs?: number } = {},
): StreamAnswer {
  const { delta = 'and on ', everyMs = 50, ...rest } = options;
  return stream([{ type: 'endless', delta, everyMs }], rest, { type: 'none' });
}

export function httpError(status: number, json: unknown, headers: RawHeaders = []): Answer {
  return { type: 'http', status, json, headers };
}

/** The 429 on which Codex prints its usage-limit message and stops. */
export function usageLimitReached(resetsAt: Date = new Date(Date.now() + 3_600_000)): Answer {
  const seconds = Math.round(resetsAt.getTime() / 1000);
  return httpError(429, {
    error: {
      type: 'usage_limit_reached',
      message: 'The usage limit has been reached',
      plan_type: 'plus',
      resets_at: seconds,
    },
  });
}

export const silent: Answer = { type: 'silent' };

export const reset: Answer = { type: 'reset' };

/** WebSocket: a close frame with this code. */
export function closeSocket(code: number, reason = ''): Answer {
  return { type: 'close', code, reason };
}

/** 'one two' → 'one ', 'two' */
function words(value: string): string[] {
  return value.match(/\S+\s*|\s+/g) ?? [value];
}
