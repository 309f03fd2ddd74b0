// A wire item (an element of a Responses `input` or `output`) as the vocabulary's Item, and how items of two calls are compared.
import { createHash } from 'node:crypto';

import type { Item } from '../domain/index.ts';
import { isRecord, textOf, writeJson } from './json.ts';
import type { JsonRecord } from './json.ts';

/** What differs between an item as the model gave it and the same item sent back (seen in Codex 0.169). */
const notIdentity: ReadonlySet<string> = new Set(['id', 'status', 'internal_chat_message_metadata_passthrough']);

/**
 * Text is joined from content parts (reasoning: its summary, joined by newlines); arguments and input are as sent; the output of
 * `*_output` items is text. `hash` is the first 32 hex digits of SHA-256 over canonical JSON without what a round trip changes.
 */
export function toItem(json: JsonRecord, hash = hashItem(json).identity): Item {
  const type = textOf(json['type']) ?? (textOf(json['role']) === null ? 'unknown' : 'message');
  const id = textOf(json['id']);
  const role = textOf(json['role']);
  const name = textOf(json['name']);
  const callId = textOf(json['call_id']);
  const text = type.endsWith('_output') ? null : readText(json);
  const callArguments = readArguments(json);
  const output = readOutput(type, json);
  return {
    ...(id !== null && { id }),
    hash,
    type,
    ...(role !== null && { role }),
    ...(text !== null && { text }),
    ...(name !== null && { name }),
    ...(callId !== null && { callId }),
    ...(callArguments !== null && { arguments: callArguments }),
    ...(output !== null && { output }),
  };
}

/** Fills each tool call's `output` from a later input that answers it (same call id). */
export function fillToolOutputs(output: readonly Item[], laterInput: readonly Item[]): Item[] {
  const results = new Map<string, string>();
  for (const item of laterInput) {
    if (item.callId !== undefined && item.output !== undefined && item.type.endsWith('_output')) {
      results.set(item.callId, item.output);
    }
  }
  return output.map((item) => {
    if (item.callId === undefined || item.output !== undefined || item.type.endsWith('_output')) return item;
    const result = results.get(item.callId);
    return result === undefined ? item : { ...item, output: result };
  });
}

/**
 * How many of `input` the previous call on the thread did not have: behind the common prefix of both inputs (equal ids where
 * both have one, else equal hashes), without the items that the previous answer itself gave.
 */
export function countNewItems(
  input: readonly Item[],
  previousInput: readonly Item[],
  previousOutput: readonly Item[],
): number {
  const prefix = countSharedItems(input, previousInput);
  const answered = [...previousOutput];
  let count = 0;
  for (const item of input.slice(prefix)) {
    const at = answered.findIndex((answer) => isSameAnswer(item, answer));
    if (at === -1) count += 1;
    else answered.splice(at, 1);
  }
  return count;
}

/** The length of the common prefix. */
export function countSharedItems(input: readonly Item[], previousInput: readonly Item[]): number {
  let shared = 0;
  for (; shared < input.length; shared += 1) {
    const [mine, theirs] = [input[shared], previousInput[shared]];
    if (mine === undefined || theirs === undefined || !isSameItem(mine, theirs)) break;
  }
  return shared;
}

function isSameItem(a: Item, b: Item): boolean {
  return a.id !== undefined && b.id !== undefined ? a.id === b.id : a.hash === b.hash;
}

/** An answer's item comes back without its id in older versions, and with fields dropped or added: its call or its text tells. */
export function isSameAnswer(sent: Item, answer: Item): boolean {
  if (isSameItem(sent, answer)) return true;
  if (sent.type !== answer.type || (sent.id !== undefined && answer.id !== undefined)) return false;
  if (answer.callId !== undefined) return sent.callId === answer.callId;
  return answer.text !== undefined && sent.text === answer.text && sent.role === answer.role;
}

/** `identity`: without what a round trip changes, 32 hex digits; `whole`: SHA-256 over all of the canonical JSON, 64. */
export function hashItem(json: JsonRecord): { readonly identity: string; readonly whole: string } {
  const [identity, whole] = [createHash('sha256'), createHash('sha256')];
  for (const hash of [identity, whole]) hash.update('{');
  let separator = '';
  for (const key of Object.keys(json).sort()) {
    const member = `${JSON.stringify(key)}:${writeJson(json[key])}`;
    whole.update(member).update(',');
    if (notIdentity.has(key)) continue;
    identity.update(separator).update(member);
    separator = ',';
  }
  identity.update('}');
  return { identity: identity.digest('hex').slice(0, 32), whole: whole.digest('hex') };
}

function readText(json: JsonRecord): string | null {
  const { summary, content, text, refusal } = json;
  return joinParts(summary, '\n') ?? joinParts(content, '\n') ?? textOf(text) ?? textOf(refusal);
}

function readArguments(json: JsonRecord): string | null {
  for (const key of ['arguments', 'input', 'code', 'action']) {
    const value = json[key];
    if (typeof value === 'string') return value;
    if (isRecord(value) || Array.isArray(value)) return writeJson(value, { sortKeys: false });
  }
  return null;
}

function readOutput(type: string, json: JsonRecord): string | null {
  const { output } = json;
  if (output === undefined || output === null) return null;
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) {
    const text = joinParts(output, '');
    if (text !== null) return text;
  }
  // Old versions: {content: "…", success: true}.
  if (isRecord(output) && typeof output['content'] === 'string') return output['content'];
  if (isRecord(output)) {
    const text = joinParts(output['content'], '');
    if (text !== null) return text;
  }
  return type === 'message' ? null : writeJson(output, { sortKeys: false });
}

/** The text of content parts; images and files are named. Null where there is no text at all. */
function joinParts(parts: unknown, separator: string): string | null {
  if (typeof parts === 'string') return parts;
  if (!Array.isArray(parts)) return null;
  const texts = parts.map(partText).filter((text) => text !== null);
  return texts.length === 0 ? null : texts.join(separator);
}

function partText(part: unknown): string | null {
  if (typeof part === 'string') return part;
  if (!isRecord(part)) return null;
  if (part['type'] === 'input_image' || part['type'] === 'output_image') return '[image]';
  if (part['type'] === 'input_file')
    return `[file${textOf(part['filename']) === null ? '' : ` ${String(part['filename'])}`}]`;
  if (typeof part['text'] === 'string') return part['text'];
  return textOf(part['refusal']);
}
