// What fills the context of a call: its request body taken apart by what each byte is for. The shares add up to the body.
import type { Item } from '../domain/index.ts';
import { alignItems } from './align-items.ts';
import type { BodyElement, BodyMap, Span } from './body-map.ts';
import { parseSpan, readElements, readMembers } from './body-map.ts';
import { isSameAnswer } from './item.ts';
import { isRecord, textOf } from './json.ts';

/** `settings`: every other top-level key, and the punctuation between. */
const contextParts = [
  'instructions',
  'tools',
  'user',
  'assistant',
  'toolCalls',
  'toolOutputs',
  'reasoning',
  'images',
  'compaction',
  'other',
  'settings',
] as const;
export type ContextPart = (typeof contextParts)[number];

/** kept · changed (the same item with other content) · answer (given by the call before) · new */
export type ItemState = 'kept' | 'changed' | 'answer' | 'new';

/** An element of `input`, or the top-level `instructions` or `tools` (then `index` is null). */
export interface ContextPiece {
  readonly index: number | null;
  readonly part: ContextPart;
  readonly type: string;
  readonly role?: string;
  readonly name?: string;
  readonly id?: string;
  readonly callId?: string;
  /** In the decoded body as it is stored. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Of `sizeBytes`, what is images. */
  readonly imageBytes: number;
  /** Its beginning, on one line. */
  readonly preview: string;
}

export interface PartShare {
  readonly part: ContextPart;
  readonly sizeBytes: number;
  /** Of the body: 0 to 1. */
  readonly share: number;
  readonly count: number;
}

const previewCharacters = 160;

/** What the body holds besides settings, in the order of its bytes. */
export function readPieces(map: BodyMap): ContextPiece[] {
  const pieces: ContextPiece[] = map.input.map((element, index) => {
    const { type, role, name, id, callId } = element.item;
    return {
      index,
      part: partOf(type, role),
      type,
      ...(role !== undefined && { role }),
      ...(name !== undefined && { name }),
      ...(id !== undefined && { id }),
      ...(callId !== undefined && { callId }),
      ...place(element),
      imageBytes: countImages(map, element),
      preview: cut(previewOf(element)),
    };
  });
  for (const { key, ...span } of map.members) {
    if (key !== 'instructions' && key !== 'tools') continue;
    const json = parseSpan(map, span);
    const preview = typeof json === 'string' ? json : namesOf(json);
    pieces.push({ index: null, part: key, type: key, ...place(span), imageBytes: 0, preview: cut(preview) });
  }
  return pieces.sort((a, b) => a.offset - b.offset);
}

/** Every part, also those of which there is nothing. */
export function shareOut(map: BodyMap, pieces: readonly ContextPiece[]): PartShare[] {
  const sizes = new Map<ContextPart, { sizeBytes: number; count: number }>();
  const add = (part: ContextPart, sizeBytes: number, count: number): void => {
    const sum = sizes.get(part) ?? { sizeBytes: 0, count: 0 };
    sizes.set(part, { sizeBytes: sum.sizeBytes + sizeBytes, count: sum.count + count });
  };
  for (const { part, sizeBytes, imageBytes } of pieces) {
    add(part, sizeBytes - imageBytes, 1);
    if (imageBytes > 0 && part !== 'images') add('images', imageBytes, 1);
  }
  const known = pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // What is no JSON object has no settings either.
  const isRead = map.reading.json !== null;
  add(isRead ? 'settings' : 'other', map.bytes.length - known, isRead ? countSettings(map) : 1);
  return contextParts.map((part) => {
    const { sizeBytes, count } = sizes.get(part) ?? { sizeBytes: 0, count: 0 };
    return { part, sizeBytes, share: map.bytes.length === 0 ? 0 : round(sizeBytes / map.bytes.length), count };
  });
}

/** Of each item of `input`: is it new to a reader, against the call before and what that was answered? */
export function judgeItems(
  input: readonly Item[],
  previousInput: readonly Item[],
  previousOutput: readonly Item[],
): { readonly states: readonly ItemState[]; readonly removed: readonly number[] } {
  const states: ItemState[] = input.map(() => 'new');
  const removed: number[] = [];
  for (const { before, after, isSame } of alignItems(previousInput, input)) {
    if (after === null && before !== null) removed.push(before);
    if (after !== null && before !== null) states[after] = isSame ? 'kept' : 'changed';
  }
  const answered = [...previousOutput];
  input.forEach((item, at) => {
    const found = states[at] === 'new' ? answered.findIndex((answer) => isSameAnswer(item, answer)) : -1;
    if (found === -1) return;
    states[at] = 'answer';
    answered.splice(found, 1);
  });
  return { states, removed };
}

function partOf(type: string, role: string | undefined): ContextPart {
  if (type === 'additional_tools') return 'tools';
  if (type === 'reasoning') return 'reasoning';
  if (type === 'compaction' || type === 'compaction_summary') return 'compaction';
  if (type === 'image_generation_call') return 'images';
  if (type.endsWith('_output')) return 'toolOutputs';
  if (type.endsWith('_call')) return 'toolCalls';
  if (type !== 'message') return 'other';
  if (role === 'developer' || role === 'system') return 'instructions';
  if (role === 'user' || role === 'assistant') return role;
  return 'other';
}

/** The bytes of image parts in a message's content or a tool's output. */
function countImages(map: BodyMap, { start: from, end: to, json }: BodyElement): number {
  if (!isRecord(json)) return 0;
  if (json['type'] === 'image_generation_call') return to - from;
  let bytes = 0;
  for (const { key, ...value } of readMembers(map.bytes, from)) {
    const parts = json[key];
    if ((key !== 'content' && key !== 'output') || !Array.isArray(parts)) continue;
    readElements(map.bytes, value).forEach(({ start, end }, at) => {
      const part: unknown = parts[at];
      if (isRecord(part) && (part['type'] === 'input_image' || part['type'] === 'output_image')) bytes += end - start;
    });
  }
  return bytes;
}

function countSettings(map: BodyMap): number {
  return map.members.filter(({ key }) => key !== 'input' && key !== 'instructions' && key !== 'tools').length;
}

function previewOf({ json, item }: BodyElement): string {
  if (isRecord(json) && json['type'] === 'additional_tools') return namesOf(json['tools']);
  return item.text ?? item.arguments ?? item.output ?? '';
}

/** The names of tools; those of a namespace behind its own. */
function namesOf(tools: unknown): string {
  if (!Array.isArray(tools)) return '';
  return tools
    .filter(isRecord)
    .map((tool) => {
      const name = textOf(tool['name']) ?? textOf(tool['type']) ?? '?';
      return Array.isArray(tool['tools']) ? `${name} (${namesOf(tool['tools'])})` : name;
    })
    .join(', ');
}

const place = ({ start, end }: Span): { offset: number; sizeBytes: number } => ({
  offset: start,
  sizeBytes: end - start,
});

/** Not between the two halves of a character outside the first plane. */
const cut = (text: string): string =>
  text
    .slice(0, previewCharacters * 4)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, previewCharacters)
    .replace(/[\ud800-\udbff]$/, '');

const round = (share: number): number => Math.round(share * 10_000) / 10_000;
