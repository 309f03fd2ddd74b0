// An upgrade that an agent asks for, and what a provider says to it, as far as the relay must know. Pure.
import type { RawHeaders } from '../domain/index.ts';
import { readRequests } from './http1-messages.ts';

export interface UpgradeRequest {
  readonly path: string;
  readonly headers: RawHeaders;
}

/**
 * The head of an upgrade that the relay can ask for itself; null: the engine has to. It does where the engine would ask for something else
 * (an extension that it does not know), and where a body follows.
 */
export function readUpgrade(head: Buffer): UpgradeRequest | null {
  const [event] = readRequests().push(head);
  if (event?.type !== 'head') return null;
  const { line, headers } = event.head;
  const values = (name: string): string[] =>
    headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value.toLowerCase());
  const isWebSocket = values('upgrade').join() === 'websocket';
  const hasBody = values('transfer-encoding').length > 0 || values('content-length').some((length) => length !== '0');
  const extensions = values('sec-websocket-extensions').flatMap((value) => value.split(','));
  const knowsAll = extensions.every((extension) => /^\s*permessage-deflate\s*(;|$)/.test(extension));
  return isWebSocket && !hasBody && knowsAll ? { path: line[1], headers } : null;
}

export interface UpgradeVerdict {
  /** Null: not told yet. */
  readonly verdict: 'accepted' | 'other' | null;
  /** So many bytes stand before the answer: whole heads of provisional ones (1xx, but 101). */
  readonly provisionalBytes: number;
}

/** What the first bytes of an answer say. */
export function judgeUpgradeAnswer(bytes: Buffer): UpgradeVerdict {
  for (let at = 0; ;) {
    const give = (verdict: UpgradeVerdict['verdict']): UpgradeVerdict => ({ verdict, provisionalBytes: at });
    const start = bytes.toString('latin1', at, at + 12);
    if (start.length < 12) return give('HTTP/1.'.startsWith(start.slice(0, 7)) ? null : 'other');
    const status = /^HTTP\/1\.\d (\d{3})/.exec(start)?.[1];
    if (status === '101') return give('accepted');
    if (status?.startsWith('1') !== true) return give('other');
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end === -1) return give(null);
    at = end + 4;
  }
}
