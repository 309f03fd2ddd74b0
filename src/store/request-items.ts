// How a request is taken apart for storage: its items and parts by the SHA-256 of their bytes, the chain of nodes that its
// conversation is, and the template that makes the same bytes of them again.
import { createHash } from 'node:crypto';

import { readTemplate, splitRequest, writeTemplate } from '../wire/index.ts';

export interface HashedBytes {
  readonly hash: Buffer;
  readonly bytes: Uint8Array;
}

export interface ChainNode extends HashedBytes {
  readonly parent: Buffer | null;
  /** Of the item, whose bytes are `bytes`. */
  readonly item: Buffer;
}

export interface TakenApart {
  readonly template: Uint8Array;
  readonly parts: readonly HashedBytes[];
  /** From the first item to the last. */
  readonly nodes: readonly ChainNode[];
}

/** Null: kept whole, because it is no JSON object, has nothing to share, or would not come back the same. */
export function takeApart(body: Uint8Array): TakenApart | null {
  const cuts = splitRequest(body);
  if (cuts === null || cuts.length === 0) return null;
  const template = writeTemplate(body, cuts);
  const bytesOf = (type: 'item' | 'part'): Uint8Array[] =>
    cuts.filter((cut) => cut.type === type).map(({ start, end }) => body.subarray(start, end));
  const items = bytesOf('item');
  const parts = bytesOf('part');
  if (Buffer.compare(readTemplate(template).fill(items, parts), body) !== 0) return null;
  return { template, parts: parts.map((bytes) => ({ hash: sha256(bytes), bytes })), nodes: chainOf(items) };
}

function chainOf(items: readonly Uint8Array[]): ChainNode[] {
  const nodes: ChainNode[] = [];
  let parent: Buffer | null = null;
  for (const bytes of items) {
    const item = sha256(bytes);
    const hash = nodeHash(parent, item);
    nodes.push({ hash, parent, item, bytes });
    parent = hash;
  }
  return nodes;
}

/** A conversation up to and with `item`. */
export const nodeHash = (parent: Uint8Array | null, item: Uint8Array): Buffer =>
  sha256(parent === null ? item : Buffer.concat([parent, item]));

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
