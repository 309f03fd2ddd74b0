// What a Codex request says about itself: session, thread, turn, kind, version. Versions differ in where they say it (0.77 has
// two header fields; 0.169 says everything three times), so each field is looked for in all its places, the closest first.
import type { CallKind, RawHeaders } from '../domain/index.ts';
import { readOutsideJson } from '../domain/index.ts';

/** Every field is null where the request does not say. */
export interface CallIdentity {
  /** The root's session: a sub-agent has its parent's. */
  readonly sessionId: string | null;
  readonly threadId: string | null;
  readonly parentThreadId: string | null;
  readonly turnId: string | null;
  readonly parentTurnId: string | null;
  /** "/root", "/root/task_one" */
  readonly agentName: string | null;
  /** `x-openai-subagent`: "collab_spawn", "review" … */
  readonly subagent: string | null;
  readonly kind: CallKind;
  readonly agentVersion: string | null;
  readonly originator: string | null;
  /** First key of the metadata's workspaces, else `<cwd>` of the last environment context. */
  readonly cwd: string | null;
}

type JsonRecord = Readonly<Record<string, unknown>>;

const metadataName = 'x-codex-turn-metadata';
/** Real ids have 36 characters; a longer value than this is no id. */
const maxIdLength = 512;

/**
 * Reads headers and body together. The body goes first: over a WebSocket only it speaks of this call, and the headers are the
 * handshake's. `path` may have a query.
 */
export function readCodexIdentity(headers: RawHeaders, body: JsonRecord | null, path: string): CallIdentity {
  const header = headerReader(headers);
  const client = recordOf(body?.['client_metadata']) ?? {};
  const metadata = readMetadata(client[metadataName]) ?? readMetadata(header(metadataName)) ?? {};
  const userAgent = /^([^\s/]+)\/(\d[^\s(]*)/.exec(header('user-agent') ?? '');
  const subagent = idOf(client['x-openai-subagent']) ?? idOf(header('x-openai-subagent'));
  const windowId =
    idOf(metadata['window_id']) ?? idOf(client['x-codex-window-id']) ?? idOf(header('x-codex-window-id'));
  return {
    sessionId: firstId(
      metadata['session_id'],
      client['session_id'],
      header('session-id'),
      header('session_id'),
      header('conversation_id'),
      header('conversation-id'),
    ),
    threadId: firstId(
      metadata['thread_id'],
      client['thread_id'],
      header('thread-id'),
      header('thread_id'),
      // `<thread>:<n>`
      windowId?.replace(/:\d+$/, ''),
    ),
    parentThreadId: firstId(
      metadata['parent_thread_id'],
      client['x-codex-parent-thread-id'],
      header('x-codex-parent-thread-id'),
    ),
    // An empty turn id in the body (a prewarm) is an answer: the handshake's is of another call.
    turnId: 'turn_id' in metadata ? idOf(metadata['turn_id']) : idOf(client['turn_id']),
    parentTurnId: firstId(metadata['parent_turn_id'], client['parent_turn_id']),
    agentName: idOf(metadata['agent_name']),
    subagent,
    kind: readKind(metadata, body, path, subagent),
    // Another program on the same hosts has a version of its own, which is none of Codex.
    agentVersion: idOf(header('version')) ?? (isCodexRequest(headers) ? idOf(userAgent?.[2]) : null),
    originator: idOf(header('originator')) ?? idOf(userAgent?.[1]),
    cwd: Object.keys(recordOf(metadata['workspaces']) ?? {})[0] ?? readContextCwd(body),
  };
}

/** The thread that this one was forked from, which is of another session; null where it was not. */
export function readForkOrigin(body: JsonRecord | null): string | null {
  const client = recordOf(body?.['client_metadata']) ?? {};
  return idOf(readMetadata(client[metadataName])?.['forked_from_thread_id']);
}

/**
 * Codex names itself in `originator` (codex_exec, codex-tui, codex_cli_rs, Codex Desktop) and at the start of its user agent. Others speak to
 * the same hosts and name themselves there: `originator: opencode`.
 */
export function isCodexRequest(headers: RawHeaders): boolean {
  const header = headerReader(headers);
  const isCodex = (name: string): boolean => /^codex(?![a-z])/i.test(name.trim());
  const originator = header('originator');
  return isCodex(originator ?? header('user-agent') ?? '');
}

/** A request on the thread on which Codex asks for a session's title, the refused upgrade before it included. */
export function isTitleRequest(headers: RawHeaders): boolean {
  return readMetadata(headerReader(headers)(metadataName))?.['thread_source'] === 'thread_title';
}

function readKind(metadata: JsonRecord, body: JsonRecord | null, path: string, subagent: string | null): CallKind {
  const [pathname = ''] = path.split(/[?#]/, 1);
  if (/\/responses\/compact\/?$/.test(pathname)) return 'compaction';
  const requestKind = idOf(metadata['request_kind']);
  if (requestKind !== null && requestKind !== 'turn') return requestKind;
  if (body?.['generate'] === false) return 'prewarm';
  const { input } = body ?? {};
  const last: unknown = Array.isArray(input) ? input.at(-1) : null;
  if (recordOf(last)?.['type'] === 'compaction_trigger' || subagent === 'compact') return 'compaction';
  if (metadata['thread_source'] === 'thread_title') return 'title';
  if (subagent === 'review' || metadata['subagent_kind'] === 'review') return 'review';
  return 'turn';
}

/** The metadata is a JSON text, in a header or as a string in the body. */
function readMetadata(value: unknown): JsonRecord | null {
  if (typeof value !== 'string') return recordOf(value);
  const read = readOutsideJson(value);
  return read.type === 'json' ? recordOf(read.value) : null;
}

function readContextCwd(body: JsonRecord | null): string | null {
  const { input } = body ?? {};
  if (!Array.isArray(input)) return null;
  for (let at = input.length - 1; at >= 0; at -= 1) {
    const item = recordOf(input[at]);
    const parts = item?.['role'] === 'user' && Array.isArray(item['content']) ? item['content'] : [];
    for (const part of parts) {
      const text = recordOf(part)?.['text'];
      if (typeof text !== 'string' || !text.trimStart().startsWith('<environment_context>')) continue;
      const cwd = /<cwd>([^<]+)<\/cwd>/.exec(text)?.[1];
      if (cwd !== undefined) return unescapeXml(cwd.trim());
    }
  }
  return null;
}

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => {
    const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
    return characters[name] ?? '';
  });
}

function headerReader(headers: RawHeaders): (name: string) => string | null {
  const values = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (!values.has(lower)) values.set(lower, value);
  }
  return (name) => values.get(name) ?? null;
}

function firstId(...values: readonly unknown[]): string | null {
  for (const value of values) {
    const id = idOf(value);
    if (id !== null) return id;
  }
  return null;
}

function idOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const id = value.trim();
  return id === '' || id.length > maxIdLength ? null : id;
}

function recordOf(value: unknown): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : null;
}
