// How far a request begins with the same bytes as the one before it: a provider's prompt cache holds for as long as it does. This
// is about exact bytes; whether an item is the same to a reader is said beside it.
import type { BodyMap } from './body-map.ts';
import { parseSpan } from './body-map.ts';
import { alignItems } from './align-items.ts';
import { writeJson } from './json.ts';

/**
 * none (the same once more) · appended (all earlier items are there, new ones follow) · itemChanged · itemRemoved · itemInserted ·
 * settingsChanged · compaction · continued (only what is new is sent, behind a response that the provider holds) · resent (whole
 * again, after calls of that sort) · unreadable (one of the two is no JSON object)
 */
export type PrefixChange =
  | 'none'
  | 'appended'
  | 'itemChanged'
  | 'itemRemoved'
  | 'itemInserted'
  | 'settingsChanged'
  | 'compaction'
  | 'continued'
  | 'resent'
  | 'unreadable';

export interface PrefixComparison {
  readonly change: PrefixChange;
  /** The offset of the first byte that differs. */
  readonly sharedBytes: number;
  /** Where that byte is; null: nowhere, the bodies are equal. */
  readonly differsAt: {
    /** A top-level key; null: outside of all. */
    readonly key: string | null;
    /** In `input`: of which item. */
    readonly item: number | null;
  } | null;
  /** Of the first item whose bytes differ: does it say the same to a reader? Null where one of the two has no such item. */
  readonly isSameToReader: boolean | null;
  /** Items from the first on whose bytes are equal, and how long they are together. */
  readonly sharedItems: number;
  readonly sharedItemBytes: number;
  /** Top-level keys whose value says something else, `input` and `client_metadata` (which changes each time) left out. */
  readonly settingsChanged: readonly string[];
}

export function comparePrefix(before: BodyMap, after: BodyMap): PrefixComparison {
  const sharedBytes = countShared(before.bytes, after.bytes);
  const isEqual = sharedBytes === before.bytes.length && sharedBytes === after.bytes.length;
  const sharedItems = countSharedItems(before, after);
  const settingsChanged = findChangedSettings(before, after);
  const spans = after.input.slice(0, sharedItems);
  return {
    change: isEqual ? 'none' : judge(before, after, { sharedBytes, sharedItems, settingsChanged }),
    sharedBytes,
    differsAt: isEqual ? null : locate(after, sharedBytes),
    isSameToReader: judgeItem(before, after, sharedItems),
    sharedItems,
    sharedItemBytes: spans.reduce((sum, { start, end }) => sum + end - start, 0),
    settingsChanged,
  };
}

function judge(
  before: BodyMap,
  after: BodyMap,
  found: Pick<PrefixComparison, 'sharedBytes' | 'sharedItems' | 'settingsChanged'>,
): PrefixChange {
  const { sharedBytes, sharedItems: at, settingsChanged } = found;
  if (before.reading.json === null || after.reading.json === null) return 'unreadable';
  if (after.reading.previousResponseId !== null) return 'continued';
  if (before.reading.previousResponseId !== null) return 'resent';
  if (countCompactions(after) > countCompactions(before)) return 'compaction';
  const key = locate(after, sharedBytes).key;
  const input = after.members.findLast((member) => member.key === 'input');
  if (input !== undefined && sharedBytes < input.start && key !== null && settingsChanged.includes(key)) {
    return 'settingsChanged';
  }
  if (at === before.input.length && after.input.length > at) return 'appended';
  if (at === before.input.length) return settingsChanged.length > 0 ? 'settingsChanged' : 'none';
  return judgeItemsAt(before, after, at);
}

/** What happened to the items at the place where they stop being equal. */
function judgeItemsAt(before: BodyMap, after: BodyMap, at: number): PrefixChange {
  const rows = alignItems(
    before.input.map(({ item }) => item),
    after.input.map(({ item }) => item),
  );
  const row = rows.find((each) => each.before === at || each.after === at);
  if (row === undefined || at >= after.input.length) return 'itemRemoved';
  if (row.before !== null && row.after !== null) return 'itemChanged';
  const isLost = rows.some((each) => each.before === at && each.after === null);
  const isNew = rows.some((each) => each.after === at && each.before === null);
  if (isLost && isNew) return 'itemChanged';
  return isLost ? 'itemRemoved' : 'itemInserted';
}

function judgeItem(before: BodyMap, after: BodyMap, at: number): boolean | null {
  const [mine, theirs] = [before.input[at]?.item, after.input[at]?.item];
  if (mine === undefined || theirs === undefined) return null;
  return mine.hash === theirs.hash;
}

function countShared(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a[at] === b[at]) at += 1;
  return at;
}

function countSharedItems(before: BodyMap, after: BodyMap): number {
  let count = 0;
  for (const span of after.input) {
    const other = before.input[count];
    if (other === undefined) break;
    const [mine, theirs] = [after.bytes.subarray(span.start, span.end), before.bytes.subarray(other.start, other.end)];
    if (mine.length !== theirs.length || countShared(mine, theirs) < mine.length) break;
    count += 1;
  }
  return count;
}

/** The byte may be the comma before an item, or the bracket behind the last one: then it is told as the item that would be there. */
function locate(map: BodyMap, offset: number): { key: string | null; item: number | null } {
  const member = map.members.find(({ end }) => offset < end) ?? null;
  if (member?.key !== 'input' || offset < member.start) return { key: member?.key ?? null, item: null };
  const item = map.input.findIndex(({ end }) => offset < end);
  return { key: 'input', item: item === -1 ? map.input.length : item };
}

function countCompactions(map: BodyMap): number {
  return map.input.filter(({ item }) => item.type === 'compaction' || item.type === 'compaction_summary').length;
}

const volatileKeys: ReadonlySet<string> = new Set(['input', 'client_metadata']);

function findChangedSettings(before: BodyMap, after: BodyMap): string[] {
  const values = (map: BodyMap): Map<string, string> =>
    new Map(
      map.members
        .filter(({ key }) => !volatileKeys.has(key))
        .map(({ key, ...span }) => [key, writeJson(parseSpan(map, span))]),
    );
  const [mine, theirs] = [values(before), values(after)];
  return [...new Set([...mine.keys(), ...theirs.keys()])].filter((key) => mine.get(key) !== theirs.get(key));
}
