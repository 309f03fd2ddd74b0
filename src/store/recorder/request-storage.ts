// Puts a request's parts where they are not yet: its new items, its new nodes, its template. What the conversation was before is found
// from its end backwards, so that a call costs what is new in it and not what it repeats.
import type { Connection } from '../connection.ts';
import { packBody, packSmall } from '../compression.ts';
import type { ChainNode, HashedBytes } from '../request-items.ts';
import { takeApart } from '../request-items.ts';
import type { BodyRow, RequestPartRow } from '../rows.ts';
import type { Writer } from './writer.ts';

// About 2 MB: what was put or found lately. Anything older is looked up.
const remembered = 16_384;

export interface StoredRequest {
  readonly columns: Pick<BodyRow, 'storage' | 'data' | 'node'>;
  readonly parts: readonly RequestPartRow[];
}

export class RequestStorage {
  readonly #connection: Connection;
  readonly #writer: Writer;
  /** Hashes of items and nodes that are on disk, or on their way there, in the order in which they were last met. */
  readonly #known = new Set<string>();

  constructor(connection: Connection, writer: Writer) {
    this.#connection = connection;
    this.#writer = writer;
  }

  /**
   * `body`: masked. Its items and nodes are put here; what refers to the call comes back, to be put with the call's own row: a batch that
   * is written before that row would be refused.
   */
  async store(callId: string, body: Uint8Array, bodySha256: string): Promise<StoredRequest> {
    const taken = takeApart(body, bodySha256);
    if (taken === null) return { columns: { ...(await packBody(body)), node: null }, parts: [] };
    const { template, parts, nodes } = taken;
    for (let at = await this.#countKnown(nodes); at < nodes.length; at += 1) await this.#putNode(nodes[at]!);
    for (const part of parts) await this.#putItem(part);
    return {
      columns: { storage: 'template', data: await packSmall(template), node: nodes.at(-1)?.hash ?? null },
      parts: parts.map(({ hash }, seq) => ({ call_id: callId, seq, item: hash })),
    };
  }

  /** How many nodes from the first on are there. A node is never there without its parent, so halving finds it. */
  async #countKnown(nodes: readonly ChainNode[]): Promise<number> {
    let [low, high] = [0, nodes.length];
    // Most often only the last few are new: near the end first.
    for (let guess = Math.max(0, high - 4); low < high; guess = Math.floor((low + high - 1) / 2)) {
      if (await this.#isThere('nodes', nodes[guess]!.hash)) low = guess + 1;
      else high = guess;
    }
    return low;
  }

  async #putNode({ hash, parent, item, bytes }: ChainNode): Promise<void> {
    await this.#putItem({ hash: item, bytes });
    this.#writer.put('nodes', { hash, parent, item });
    this.#remember(hash);
  }

  async #putItem({ hash, bytes }: HashedBytes): Promise<void> {
    if (await this.#isThere('items', hash)) return;
    this.#writer.put('items', { hash, bytes: bytes.length, ...(await packBody(bytes)) });
    this.#remember(hash);
  }

  async #isThere(table: 'items' | 'nodes', hash: Buffer): Promise<boolean> {
    const key = hash.toString('latin1');
    if (!this.#known.has(key)) {
      const found = await this.#connection.get(`SELECT 1 FROM ${table} WHERE hash = ?`, [hash]);
      if (found === undefined) return false;
    }
    this.#remember(hash);
    return true;
  }

  #remember(hash: Buffer): void {
    const key = hash.toString('latin1');
    this.#known.delete(key);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest);
  }
}
