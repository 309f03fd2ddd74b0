// What the person typed, without what the agent wraps around it. Newer versions mark each content part with its kind and each
// message with its turn; for older ones the wrappers are known by how they begin.
import { isRecord, textOf } from './json.ts';
import type { JsonRecord } from './json.ts';
import type { InputItem } from './request.ts';

/** Messages in the user's role that the agent writes itself (Codex 0.77 to 0.169). */
const wrappers = [
  /^<(environment_context|user_instructions|user_shell_command|turn_aborted|skill|subagent_notification|INSTRUCTIONS)[\s>]/,
  /^<(permissions instructions|collaboration_mode|skills_instructions|apps_instructions|plugins_instructions)>/,
  /^<[a-z]+(_[a-z]+)*_(context|instructions|notification|reminder|aborted)>/,
  /^<system-reminder>/,
  /^# AGENTS\.md instructions/,
];
const imageWrapper = /^<image\b[^>]*>$|^<\/image>$/;

/**
 * The prompt of the turn `turnId`, or null: the user messages that are marked as the person's own and as this turn's; where
 * items carry no marks, the last user message that is no wrapper. An image is shown as [image].
 */
export function readPrompt(items: readonly InputItem[], turnId: string | null): string | null {
  const messages = items.map(({ json }) => json).filter(isUserMessage);
  const isMarked = turnId !== null && items.some(({ json }) => turnOf(json) !== null);
  if (isMarked) return joinTexts(messages.filter((message) => turnOf(message) === turnId).map(readTyped));
  const typed = messages.map(readTyped).filter((text) => text !== null);
  return typed.at(-1) ?? null;
}

function isUserMessage(json: JsonRecord): boolean {
  return json['role'] === 'user' && (json['type'] === 'message' || json['type'] === undefined);
}

function metadataOf(json: JsonRecord): JsonRecord | null {
  const metadata = json['internal_chat_message_metadata_passthrough'];
  return isRecord(metadata) ? metadata : null;
}

function turnOf(json: JsonRecord): string | null {
  return textOf(metadataOf(json)?.['turn_id']);
}

/** Null: all of it is the agent's own wrapping. */
export function readTyped(message: JsonRecord): string | null {
  const { content } = message;
  if (typeof content === 'string') return isWrapper(content) ? null : textOf(content.trim());
  if (!Array.isArray(content)) return null;
  const kinds = metadataOf(message)?.['content_item_kinds'];
  const parts: readonly unknown[] = content;
  return joinTexts(
    parts.map((part, at) => {
      if (!isRecord(part)) return null;
      const kind = textOf(Array.isArray(kinds) ? kinds[at] : null);
      if (kind !== null && kind !== 'unknown' && !kind.startsWith('user.')) return null;
      if (part['type'] === 'input_image') return '[image]';
      if (part['type'] === 'input_file') return '[file]';
      const text = textOf(part['text']);
      if (text === null || imageWrapper.test(text.trim())) return null;
      return (kind === null || kind === 'unknown') && isWrapper(text) ? null : text;
    }),
  );
}

function isWrapper(text: string): boolean {
  const start = text.trimStart();
  return wrappers.some((wrapper) => wrapper.test(start));
}

function joinTexts(texts: readonly (string | null)[]): string | null {
  return textOf(
    texts
      .filter((text) => text !== null)
      .join('\n')
      .trim(),
  );
}
