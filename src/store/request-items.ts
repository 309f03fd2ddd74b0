// How a request is taken apart for storage: its items and parts by the SHA-256 of their bytes, the chain of nodes that its
// conversation is, and the template that makes the same bytes of them again. What an earlier request had at the same place is compared
// with it, and not hashed again.
import { createHash } from 'node:crypto';

import type { CutBody } from '../wire/index.ts';
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

export interface TakenApart extends CutBody {
  readonly template: Uint8Array;
  readonly parts: readonly HashedBytes[];
  /** From the first item to the last. */
  readonly nodes: readonly ChainNode[];
}

/**
 * Null: kept whole, because it is no JSON object, has nothing to share, or would not come back the same. `earlier` changes only what it costs;
 * nothing of the result holds on to it.
 */
export function takeApart(body: Uint8Array, earlier: TakenApart | null = null): TakenApart | null {
  const cuts = splitRequest(body, { earlier });
  if (cuts === null || cuts.length === 0) return null;
  const template = writeTemplate(body, cuts);
  const bytesOf = (type: 'item' | 'part'): Uint8Array[] =>
    cuts.filter((cut) => cut.type === type).map(({ start, end }) => body.subarray(start, end));
  const items = bytesOf('item');
  const parts = bytesOf('part');
  if (!readTemplate(template).fills(body, items, parts)) return null;
  return {
    body,
    cuts,
    template,
    parts: parts.map((bytes, at) => ({ hash: findHash(bytes, earlier?.parts[at]) ?? sha256(bytes), bytes })),
    nodes: chainOf(items, earlier?.nodes ?? []),
  };
}

function chainOf(items: readonly Uint8Array[], earlier: readonly ChainNode[]): ChainNode[] {
  const nodes: ChainNode[] = [];
  let parent: Buffer | null = null;
  for (const [at, bytes] of items.entries()) {
    const before = earlier[at];
    const known = before === undefined ? null : findHash(bytes, { hash: before.item, bytes: before.bytes });
    const item = known ?? sha256(bytes);
    // A parent that was taken over is the same object.
    const hash: Buffer = known !== null && before?.parent === parent ? before.hash : nodeHash(parent, item);
    nodes.push({ hash, parent, item, bytes });
    parent = hash;
  }
  return nodes;
}

const findHash = (bytes: Uint8Array, before: HashedBytes | undefined): Buffer | null =>
  before !== undefined && Buffer.compare(before.bytes, bytes) === 0 ? before.hash : null;

/** A conversation up to and with `item`. */
export const nodeHash = (parent: Uint8Array | null, item: Uint8Array): Buffer =>
  sha256(parent === null ? item : Buffer.concat([parent, item]));

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
