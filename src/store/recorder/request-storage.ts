// Puts a request's parts where they are not yet: its new items, its new nodes, its template. What this run has put before is remembered,
// so that a call costs what is new in it and not what it repeats. What another run has put is put once more, which changes nothing where it
// is still there: it may be pruned between a look and the write. So nothing is looked up, and a request's rows are put in one go.
import { packBody, packSmall } from '../compression.ts';
import type { ChainNode, HashedBytes } from '../request-items.ts';
import type { BodyRow, ItemRow } from '../rows.ts';
import type { ReadRequest } from './read-request.ts';
import type { Writer } from './writer.ts';

// About 2 MB: what was put or met lately. Anything older is put again.
const remembered = 16_384;

export interface StoredRequest {
  readonly columns: Pick<BodyRow, 'storage' | 'data' | 'node'>;
  /** Its items and nodes. Together with the rows of its call and body, with nothing awaited between: they are one batch. */
  readonly put: () => void;
}

export class RequestStorage {
  readonly #writer: Pick<Writer, 'put'>;
  /** Hashes of items and nodes that calls of this run need, and that are therefore there, in the order in which they were last met. */
  readonly #known = new Set<string>();

  constructor(writer: Pick<Writer, 'put'>) {
    this.#writer = writer;
  }

  async store(callId: string, { body, taken }: Pick<ReadRequest, 'body' | 'taken'>): Promise<StoredRequest> {
    if (taken === null) return { columns: { ...(await packBody(body)), node: null }, put: () => {} };
    const { template, parts, nodes } = taken;
    const known = this.#countKnown(nodes);
    const added = nodes.slice(known);
    const items = await this.#packNew([...added.map(({ item, bytes }) => ({ hash: item, bytes })), ...parts]);
    const node = nodes.at(-1)?.hash ?? null;
    return {
      columns: { storage: 'template', data: await packSmall(template), node },
      put: () => {
        for (const item of items) this.#writer.put('items', item);
        for (const { hash, parent, item } of added) this.#writer.put('nodes', { hash, parent, item });
        for (const [seq, { hash }] of parts.entries()) {
          this.#writer.put('request_parts', { call_id: callId, seq, item: hash });
        }
        const end = nodes[known - 1]?.hash;
        const met = [...added.flatMap(({ item, hash }) => [item, hash]), ...parts.map(({ hash }) => hash)];
        for (const hash of end === undefined ? met : [end, ...met]) this.#remember(hash);
      },
    };
  }

  /** How many nodes from the first on are there. A node is never there without its parent; most often only the last few are new. */
  #countKnown(nodes: readonly ChainNode[]): number {
    return nodes.findLastIndex(({ hash }) => this.#known.has(keyOf(hash))) + 1;
  }

  async #packNew(all: readonly HashedBytes[]): Promise<ItemRow[]> {
    const packed = new Map<string, ItemRow>();
    for (const { hash, bytes } of all) {
      const key = keyOf(hash);
      if (this.#known.has(key) || packed.has(key)) continue;
      packed.set(key, { hash, bytes: bytes.length, ...(await packBody(bytes)) });
    }
    return [...packed.values()];
  }

  #remember(hash: Buffer): void {
    const key = keyOf(hash);
    this.#known.delete(key);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest);
  }
}

const keyOf = (hash: Buffer): string => hash.toString('latin1');
