// What of an item people search for: what they typed, answers, reasoning, tool calls and what came of them. Not what an agent wraps
// around a conversation (instructions, environment, tools), which is the same each time and would be found always.
import type { Item } from '../domain/index.ts';
import { readTyped } from './prompt.ts';
import type { SentItem } from './request.ts';

export interface SearchEntry {
  /** The item's own id; null where it has none. */
  readonly id: string | null;
  readonly hash: string;
  readonly type: string;
  /** Who it came from. */
  readonly role: 'user' | 'assistant' | 'tool';
  readonly text: string;
}

// What a tool printed may be a file of megabytes: this much of an item can be found.
const longest = 256 * 1024;

/** Of an item that a model gave. Null: there is nothing in it to be found. */
export function toSearchEntry(item: Item): SearchEntry | null {
  if (item.role !== undefined && item.role !== 'assistant') return null;
  const role = item.type.endsWith('_output') ? 'tool' : 'assistant';
  const parts = [item.name, item.arguments, item.text, item.output].filter((part) => part !== undefined);
  return makeEntry(item, role, parts.join('\n'));
}

/** Of an item that an agent sent. */
export function toSentEntry({ json, item }: SentItem): SearchEntry | null {
  if (item.type === 'message' && item.role === 'user') return makeEntry(item, 'user', readTyped(json) ?? '');
  return item.type === 'additional_tools' ? null : toSearchEntry(item);
}

function makeEntry(item: Item, role: SearchEntry['role'], text: string): SearchEntry | null {
  if (text.trim() === '') return null;
  return {
    id: item.id ?? null,
    hash: item.hash,
    type: item.type,
    role,
    // Not between the two halves of a character outside the first plane.
    text: text.length <= longest ? text : text.slice(0, longest).replace(/[\ud800-\udbff]$/, ''),
  };
}
