// What a model request says, from its decoded body: the fields that calls are told apart by, and its items.
import { createHash } from 'node:crypto';

import type { Item } from '../domain/index.ts';
import { maxJsonValues, readOutsideJson } from '../domain/index.ts';
import { hashItem, toItem } from './item.ts';
import { isRecord, parseRecord, textOf, writeJson } from './json.ts';
import type { JsonRecord } from './json.ts';

/** An element of `input`, as sent and as the vocabulary has it. */
export interface SentItem {
  readonly json: JsonRecord;
  readonly item: Item;
}

export interface InputItem extends SentItem {
  /** SHA-256 over all of its canonical JSON, in hex. */
  readonly wholeHash: string;
}

/** `json` is null where the body is no JSON object; then everything else says nothing too. */
export interface RequestReading {
  readonly json: JsonRecord | null;
  readonly model: string | null;
  readonly stream: boolean | null;
  readonly previousResponseId: string | null;
  readonly inputItems: readonly InputItem[];
  readonly promptCacheKey: string | null;
  /** Why it was not read, where it holds too much; one sentence. */
  readonly notRead: string | null;
}

/** Reads a POST's body, or a WebSocket's `response.create` message. Never throws. */
export function readRequestBody(text: string): RequestReading {
  const read = readOutsideJson(text);
  const json = read.type === 'json' && isRecord(read.value) ? read.value : null;
  const request = json === null ? null : requestIn(json);
  const notRead = read.type === 'too-many-values' ? `the body, which holds more than ${maxJsonValues} values` : null;
  return { ...readFields(json, request), inputItems: readInput(request?.['input']), notRead };
}

/**
 * The reading of a body whose `input` holds these items, from the rest of it: `around` is the body with an empty list there. Null where the two
 * are no such body, and where only all of it tells.
 */
export function readRequestAround(around: string, inputItems: readonly InputItem[]): RequestReading | null {
  const json = parseRecord(around);
  const input = json?.['input'];
  // A message of a WebSocket may hold a request that has an `input` of its own.
  if (json === null || requestIn(json) !== json || !Array.isArray(input) || input.length > 0) return null;
  for (const item of inputItems) input.push(item.json);
  return { ...readFields(json, json), inputItems, notRead: null };
}

/** An element of `input` by itself; null where it is no object. */
export function readInputItem(text: string): InputItem | null {
  const json = parseRecord(text);
  return json === null ? null : readItem(json);
}

function requestIn(json: JsonRecord): JsonRecord {
  return isRecord(json['response']) && json['type'] === 'response.create' ? json['response'] : json;
}

function readFields(
  json: JsonRecord | null,
  request: JsonRecord | null,
): Omit<RequestReading, 'inputItems' | 'notRead'> {
  const { stream } = request ?? {};
  return {
    json,
    model: textOf(request?.['model']),
    stream: typeof stream === 'boolean' ? stream : null,
    previousResponseId: textOf(request?.['previous_response_id']),
    promptCacheKey: textOf(request?.['prompt_cache_key']),
  };
}

/**
 * Equal for two requests that are the same one again. Retries of Codex differ in the key order of `client_metadata`, and over
 * WebSocket in the start time that it holds; so equal JSON without it, not equal bytes, marks one.
 */
export function retryKey(reading: RequestReading): string {
  if (reading.json === null) return '';
  const rest = Object.fromEntries(Object.entries(reading.json).filter(([key]) => key !== 'client_metadata'));
  // The conversation is most of a request, and its items are hashed already.
  const { input } = rest;
  if (Array.isArray(input) && input.length === reading.inputItems.length) {
    rest['input'] = reading.inputItems.map(({ wholeHash }) => wholeHash);
  }
  return createHash('sha256').update(writeJson(rest)).digest('hex');
}

/** Is this request a model call? POST, and a path that ends in /responses or /responses/compact. */
export function isCallRequest(method: string, path: string): boolean {
  const [pathname = ''] = path.split(/[?#]/, 1);
  return method.toUpperCase() === 'POST' && /\/responses(\/compact)?\/?$/.test(pathname);
}

function readInput(input: unknown): InputItem[] {
  // The API also takes a bare string: one message of the user.
  if (typeof input === 'string') {
    const json = { type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] };
    return [readItem(json)];
  }
  return Array.isArray(input) ? input.filter(isRecord).map(readItem) : [];
}

function readItem(json: JsonRecord): InputItem {
  const { identity, whole } = hashItem(json);
  return { json, item: toItem(json, identity), wholeHash: whole };
}
