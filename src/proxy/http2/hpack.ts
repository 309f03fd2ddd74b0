// Header blocks of HTTP/2 read from bytes that pass (HPACK, RFC 7541): one decoder for each direction of a connection, for a block means
// what the blocks before it have put into the table. Pure, and a reader only: what makes no sense to it gives null, and so does all behind it.
import type { RawHeaders } from '../../domain/index.ts';
import { decodeHuffman } from './huffman.ts';
import { staticTable } from './static-table.ts';

export interface HpackDecoder {
  /** Reads one whole header block. Null: it makes no sense, or goes beyond a bound; and then no later one can be read. */
  decode(block: Uint8Array): RawHeaders | null;
  /** The receiver has allowed a table of this size (SETTINGS_HEADER_TABLE_SIZE). */
  allowTable(sizeBytes: number): void;
  /** What the table takes, as RFC 7541 section 4.1 counts. */
  tableBytes(): number;
}

/** What a header list may take (as RFC 9113 section 10.5.1 counts), and what a table may hold, whatever has been agreed on. */
const maxListBytes = 1024 * 1024;
const maxTableBytes = 1024 * 1024;
/** For each field, besides its bytes (RFC 7541 section 4.1). */
const fieldOverheadBytes = 32;
const firstTableBytes = 4096;

type Field = readonly [name: string, value: string];

const sizeOf = ([name, value]: Field): number => name.length + value.length + fieldOverheadBytes;

export function makeHpackDecoder(): HpackDecoder {
  const table = new DynamicTable();
  let allowedBytes = firstTableBytes;
  let isLost = false;
  return {
    decode(block) {
      if (isLost) return null;
      const headers = decodeBlock(block, table, allowedBytes);
      isLost = headers === null;
      if (isLost) table.resize(0);
      return headers;
    },
    // An encoder may go on with what was allowed before until it has read of the change, so that less is not held against it.
    allowTable: (sizeBytes) => void (allowedBytes = Math.max(allowedBytes, sizeBytes)),
    tableBytes: () => table.bytes,
  };
}

function decodeBlock(block: Uint8Array, table: DynamicTable, allowedBytes: number): RawHeaders | null {
  const from = new BlockReader(block);
  const headers: Field[] = [];
  let listBytes = 0;
  while (!from.isAtEnd()) {
    const first = from.peek();
    if ((first & 0xe0) === 0x20) {
      const sizeBytes = from.integer(5);
      // Only before the first field (RFC 7541 section 4.2).
      if (sizeBytes === null || sizeBytes > allowedBytes || headers.length > 0) return null;
      table.resize(sizeBytes);
      continue;
    }
    const field = (first & 0x80) === 0 ? readLiteral(from, first, table) : readIndexed(from, table);
    if (field === null || table.bytes > maxTableBytes) return null;
    listBytes += sizeOf(field);
    if (listBytes > maxListBytes) return null;
    headers.push(field);
  }
  return headers;
}

function readIndexed(from: BlockReader, table: DynamicTable): Field | null {
  const index = from.integer(7);
  return index === null ? null : table.at(index);
}

function readLiteral(from: BlockReader, first: number, table: DynamicTable): Field | null {
  const isKept = (first & 0x40) !== 0;
  const index = from.integer(isKept ? 6 : 4);
  if (index === null) return null;
  const name = index === 0 ? from.string() : (table.at(index)?.[0] ?? null);
  const value = name === null ? null : from.string();
  if (name === null || value === null) return null;
  const field = [name, value] as const;
  if (isKept) table.add(field);
  return field;
}

const noField: Field = ['', ''];

/** Newest first, from index 62; behind the static table. */
class DynamicTable {
  #fields: Field[] = [];
  /** Fields before this one have been taken out. */
  #oldest = 0;
  #limitBytes = firstTableBytes;
  bytes = 0;

  at(index: number): Field | null {
    if (index <= staticTable.length) return staticTable[index - 1] ?? null;
    const place = this.#fields.length - (index - staticTable.length);
    return place < this.#oldest ? null : this.#fields[place]!;
  }

  add(field: Field): void {
    this.#fields.push(field);
    this.bytes += sizeOf(field);
    this.#evict();
  }

  resize(limitBytes: number): void {
    this.#limitBytes = limitBytes;
    this.#evict();
  }

  #evict(): void {
    while (this.bytes > this.#limitBytes) {
      this.bytes -= sizeOf(this.#fields[this.#oldest]!);
      this.#fields[this.#oldest++] = noField;
    }
    if (this.#oldest < 64 || this.#oldest < this.#fields.length / 2) return;
    this.#fields = this.#fields.slice(this.#oldest);
    this.#oldest = 0;
  }
}

class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    return this.#block[this.#at]!;
  }

  /** An integer in the low bits of a byte and those behind it (RFC 7541 section 5.1); null where it has no end, or is beyond 2^32. */
  integer(prefixBits: number): number | null {
    if (this.isAtEnd()) return null;
    const most = 2 ** prefixBits - 1;
    let value = this.#block[this.#at++]! & most;
    if (value < most) return value;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.#block[this.#at++];
      if (byte === undefined) return null;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value < 2 ** 32 ? value : null;
    }
    return null;
  }

  string(): string | null {
    if (this.isAtEnd()) return null;
    const isCoded = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    if (length === null || this.#at + length > this.#block.length) return null;
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    this.#at += length;
    return isCoded ? decodeHuffman(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
  }
}
