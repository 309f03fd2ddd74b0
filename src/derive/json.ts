// Looking at JSON that came from outside, and writing it in one canonical form. Nothing here throws on deep or odd input.
import { readOutsideJson } from '../domain/index.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string that says something; ids that are numbers, objects or empty say nothing. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function parseRecord(text: string): JsonRecord | null {
  const read = readOutsideJson(text);
  return read.type === 'json' && isRecord(read.value) ? read.value : null;
}

/** As JSON.stringify writes what was parsed, however deep it is. */
export function stringifyDeep(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return writeJson(value, { sortKeys: false });
  }
}

/** JSON without spaces, with keys sorted unless `sortKeys` is false, however deep it is. */
export function writeJson(value: unknown, { sortKeys = true }: { sortKeys?: boolean } = {}): string {
  return writeLevels(value, sortKeys, maxLevels);
}

/** Deeper than anything that means well: from there on it goes on without the call stack, more slowly. */
const maxLevels = 200;

function writeLevels(value: unknown, sortKeys: boolean, levels: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (levels === 0) return writeDeep(value, sortKeys);
  let text = '';
  if (Array.isArray(value)) {
    for (const element of value) text += `${text === '' ? '' : ','}${writeLevels(element, sortKeys, levels - 1)}`;
    return `[${text}]`;
  }
  const keys = sortKeys ? Object.keys(value).sort() : Object.keys(value);
  for (const key of keys) {
    const member = writeLevels((value as JsonRecord)[key], sortKeys, levels - 1);
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${member}`;
  }
  return `{${text}}`;
}

/** With a stack of its own: the call stack ends at some thousand levels, which a request body may have. */
function writeDeep(value: unknown, sortKeys: boolean): string {
  const out: string[] = [];
  const todo: ({ readonly text: string } | { readonly value: unknown })[] = [{ value }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if ('text' in next) {
      out.push(next.text);
    } else if (Array.isArray(next.value)) {
      todo.push({ text: ']' });
      for (let at = next.value.length - 1; at >= 0; at -= 1) {
        todo.push({ value: next.value[at] });
        if (at > 0) todo.push({ text: ',' });
      }
      todo.push({ text: '[' });
    } else if (isRecord(next.value)) {
      const record = next.value;
      const keys = sortKeys ? Object.keys(record).sort() : Object.keys(record);
      todo.push({ text: '}' });
      for (let at = keys.length - 1; at >= 0; at -= 1) {
        const key = keys[at] ?? '';
        todo.push({ value: record[key] }, { text: `${at > 0 ? ',' : ''}${JSON.stringify(key)}:` });
      }
      todo.push({ text: '{' });
    } else {
      out.push(JSON.stringify(next.value) ?? 'null');
    }
  }
  return out.join('');
}
