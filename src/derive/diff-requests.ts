// What differs between two requests, to a reader: items added, removed and changed, and every other top-level key.
import { alignItems } from './align-items.ts';
import type { BodyMap } from './body-map.ts';
import { parseSpan } from './body-map.ts';
import type { ContextPiece } from './context.ts';
import { readPieces } from './context.ts';
import type { TextDiff } from './diff-text.ts';
import { diffText } from './diff-text.ts';
import { isRecord, parseRecord, writeJson } from './json.ts';

export interface ItemChange {
  readonly type: 'added' | 'removed' | 'changed';
  readonly before: ContextPiece | null;
  readonly after: ContextPiece | null;
  /** Of a change: in its text, else in all of its JSON. */
  readonly diff: TextDiff | null;
}

export interface SettingChange {
  readonly type: 'added' | 'removed' | 'changed';
  readonly key: string;
  /** As JSON; null where the key is missing, or its value is long: then `diff` says what changed. */
  readonly before: string | null;
  readonly after: string | null;
  readonly beforeBytes: number | null;
  readonly afterBytes: number | null;
  readonly diff: TextDiff | null;
}

export interface RequestDiff {
  readonly keptItems: number;
  readonly items: readonly ItemChange[];
  /** `client_metadata` left out: ids of turns and windows, which differ each time. */
  readonly settings: readonly SettingChange[];
  /** Where `client_metadata` differs, by key: what is JSON inside of it is taken apart too. */
  readonly clientMetadata: readonly string[];
}

const shortValueCharacters = 200;

export function diffRequests(before: BodyMap, after: BodyMap): RequestDiff {
  const rows = alignItems(
    before.input.map(({ item }) => item),
    after.input.map(({ item }) => item),
  );
  const [mine, theirs] = [indexPieces(before), indexPieces(after)];
  const items = rows.flatMap((row): ItemChange[] => {
    if (row.isSame) return [];
    const old = row.before === null ? null : (mine.get(row.before) ?? null);
    const now = row.after === null ? null : (theirs.get(row.after) ?? null);
    if (row.before === null || row.after === null) {
      return [{ type: row.before === null ? 'added' : 'removed', before: old, after: now, diff: null }];
    }
    return [{ type: 'changed', before: old, after: now, diff: diffItems(before, row.before, after, row.after) }];
  });
  return {
    keptItems: rows.filter(({ isSame }) => isSame).length,
    items,
    settings: diffSettings(before, after),
    clientMetadata: diffMetadata(before.reading.json?.['client_metadata'], after.reading.json?.['client_metadata']),
  };
}

function indexPieces(map: BodyMap): Map<number, ContextPiece> {
  return new Map(readPieces(map).flatMap((piece) => (piece.index === null ? [] : [[piece.index, piece] as const])));
}

function diffItems(before: BodyMap, old: number, after: BodyMap, now: number): TextDiff | null {
  const [mine, theirs] = [before.input[old], after.input[now]];
  if (mine === undefined || theirs === undefined) return null;
  const textOf = ({ item }: typeof mine): string => item.text ?? item.arguments ?? item.output ?? '';
  return diffText(textOf(mine), textOf(theirs)) ?? diffText(layOut(mine.json), layOut(theirs.json));
}

function diffSettings(before: BodyMap, after: BodyMap): SettingChange[] {
  const [mine, theirs] = [readSettings(before), readSettings(after)];
  return [...new Set([...mine.keys(), ...theirs.keys()])].flatMap((key): SettingChange[] => {
    const [old, now] = [mine.get(key), theirs.get(key)];
    if (old?.json === now?.json) return [];
    const type = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    const isShort = [old, now].every((value) => (value?.json.length ?? 0) <= shortValueCharacters);
    return [
      {
        type,
        key,
        before: isShort ? (old?.json ?? null) : null,
        after: isShort ? (now?.json ?? null) : null,
        beforeBytes: old?.sizeBytes ?? null,
        afterBytes: now?.sizeBytes ?? null,
        diff: isShort ? null : diffText(layOut(old?.value ?? ''), layOut(now?.value ?? '')),
      },
    ];
  });
}

function readSettings(map: BodyMap): Map<string, { value: unknown; json: string; sizeBytes: number }> {
  return new Map(
    map.members
      .filter(({ key }) => key !== 'input' && key !== 'client_metadata')
      .map(({ key, ...span }) => {
        const value = parseSpan(map, span);
        return [key, { value, json: writeJson(value), sizeBytes: span.end - span.start }];
      }),
  );
}

function diffMetadata(before: unknown, after: unknown): string[] {
  const [mine, theirs] = [flatten(before), flatten(after)];
  return [...new Set([...mine.keys(), ...theirs.keys()])].filter((key) => mine.get(key) !== theirs.get(key)).sort();
}

/** Two levels: the metadata of Codex is a JSON text inside of an object. */
function flatten(metadata: unknown): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(isRecord(metadata) ? metadata : {})) {
    const inner = typeof value === 'string' ? parseRecord(value) : isRecord(value) ? value : null;
    if (inner === null) flat.set(key, writeJson(value));
    for (const [name, part] of Object.entries(inner ?? {})) flat.set(`${key}.${name}`, writeJson(part));
  }
  return flat;
}

/** Texts as they are; all else with a line for each value, keys sorted. */
function layOut(value: unknown): string {
  if (typeof value === 'string') return value;
  const json = writeJson(value);
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // Nested deeper than JSON.stringify can go.
    return json;
  }
}
