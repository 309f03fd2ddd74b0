// Looks for secrets in everything that was written: each file as it is, and whatever is packed in it unpacked; each secret in each form that somebody could
// read it from.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

import { zstdDecompress } from 'http-encoding';

import { Connection } from '../../src/store/connection.ts';
import { unpackBody } from '../../src/store/compression.ts';
import type { BodyRow, ItemRow } from '../../src/store/rows.ts';

/** Bytes, and what they are called where something is found in them. */
export type Haystack = readonly [name: string, bytes: Buffer];

/** All files below a folder as they are at this moment, and their names. */
export function readFiles(folder: string): Haystack[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry): Haystack[] => {
    const path = join(entry.parentPath, entry.name);
    const name = [`the name of ${entry.name}`, Buffer.from(path)] as const;
    try {
      return entry.isFile() ? [name, [path, readFileSync(path)]] : [name];
    } catch {
      return [name]; // gone meanwhile
    }
  });
}

/** The same, unpacked; databases among them also value by value. */
export async function readEverything(folder: string): Promise<Haystack[]> {
  const files = readFiles(folder);
  const found: Haystack[] = [];
  for (const [name, bytes] of files) found.push(...(await unpackFile(name, bytes)));
  for (const [name] of files)
    if (name.startsWith(folder) && name.endsWith('.db')) found.push(...(await readDatabase(name)));
  return found;
}

/** The bytes, and what a reader would make of them: base64 in quotes, the text beside hex, compressed streams wherever one begins. */
export async function unpackFile(name: string, file: Buffer): Promise<Haystack[]> {
  const { decoded, hex } = formsOf(file);
  return [
    [name, file],
    [`${name}, base64`, decoded],
    [`${name}, hex`, hex],
    [`${name}, unpacked`, Buffer.concat(await unpackStreams(Buffer.concat([file, decoded])))],
  ];
}

export function formsOf(file: Buffer): { file: Buffer; decoded: Buffer; hex: Buffer } {
  const text = file.toString('latin1');
  const decoded = [...text.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)].map(([, base64]) =>
    Buffer.from(base64!, 'base64'),
  );
  const hex = [...text.matchAll(/^ {4}[0-9a-f]{6} {2}((?:[0-9a-f]{2} {1,2}){1,16})/gm)].map(([, bytes]) =>
    Buffer.from(bytes!.replaceAll(' ', ''), 'hex'),
  );
  return { file, decoded: Buffer.concat(decoded), hex: Buffer.concat(hex) };
}

const longestPacked = 64 * 1024;

/** gzip, zlib and zstd begin with bytes of their own; brotli and raw deflate do not, so they are tried behind each head that names them. */
async function unpackStreams(bytes: Buffer): Promise<Buffer[]> {
  const found: Buffer[] = [];
  const attempt = async (unpack: () => Buffer | Promise<Buffer>): Promise<void> => {
    try {
      found.push(await unpack());
    } catch {
      // Nothing is packed here, or what is was cut.
    }
  };
  const partial = { finishFlush: 2, maxOutputLength: 16 * 1024 * 1024 };
  for (const [magic, unpack] of [
    ['1f8b08', (part: Buffer) => gunzipSync(part, partial)],
    ['7801', (part: Buffer) => inflateSync(part, partial)],
    ['789c', (part: Buffer) => inflateSync(part, partial)],
    ['78da', (part: Buffer) => inflateSync(part, partial)],
    ['28b52ffd', async (part: Buffer) => Buffer.from(await zstdDecompress(part))],
  ] as const) {
    const start = Buffer.from(magic, 'hex');
    for (let at = bytes.indexOf(start); at !== -1; at = bytes.indexOf(start, at + 1)) {
      const part = bytes.subarray(at, at + longestPacked);
      await attempt(() => unpack(part));
    }
  }
  const text = bytes.toString('latin1');
  for (const head of text.matchAll(/content-encoding: (br|deflate|zstd)\r\n(?:[^\r\n]+\r\n)*\r\n/gi)) {
    const from = head.index + head[0].length;
    const length = Number(/content-length: (\d+)/i.exec(head[0])?.[1] ?? 0);
    const body = bytes.subarray(from, from + length);
    if (head[1] === 'br') await attempt(() => brotliDecompressSync(body));
    else if (head[1] === 'zstd') await attempt(async () => Buffer.from(await zstdDecompress(body)));
    else await attempt(() => inflateRawSync(body, partial));
  }
  return found;
}

/** Each value of each table, each body and item unpacked, and the words of the full-text index, which keeps them taken apart. */
async function readDatabase(file: string): Promise<Haystack[]> {
  const connection = await Connection.open(file, 'write');
  const found: Haystack[] = [];
  const tables = await connection.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  for (const { name } of tables) {
    const rows = await connection.all<Record<string, unknown>>(`SELECT * FROM ${name}`);
    const values = rows.flatMap((row) => Object.values(row)).map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)))); // prettier-ignore
    found.push([`table ${name}`, Buffer.concat(values.flatMap((value) => [value, Buffer.from('\n')]))]);
  }
  for (const item of await connection.all<ItemRow>('SELECT storage, data FROM items')) {
    found.push(['an item', Buffer.from(await unpackBody(item))]);
  }
  for (const { storage, data } of await connection.all<BodyRow>('SELECT storage, data FROM bodies')) {
    const packed = storage === 'template' ? 'deflate-1' : storage;
    if (packed !== 'chunks') found.push(['a body', Buffer.from(await unpackBody({ storage: packed, data }))]);
  }
  await connection.exec("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'search_text', 'row')");
  const words = await connection.all<{ term: string }>('SELECT term FROM words');
  found.push(['words of the index', Buffer.from(words.map(({ term }) => term).join('\n'))]);
  await connection.close();
  return found;
}

/** Of a secret: its middle, of which no neighbour decides anything, in all forms; and its ends, as they are. */
function needlesOf(secret: string): Buffer[] {
  const middle = secret.slice(5, -5);
  const hex = (pattern: RegExp): string =>
    middle.replace(pattern, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from(`${' '.repeat(shift)}${middle}`)
      .toString('base64')
      .slice(4, -4),
  );
  const texts = [
    middle,
    secret.slice(0, 12),
    secret.slice(-12),
    encodeURIComponent(middle),
    encodeURIComponent(middle).replace(/%../g, (escape) => escape.toLowerCase()),
    [...Buffer.from(middle)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    middle.replaceAll('/', '\\/'),
    hex(/[^A-Za-z0-9]/g),
    hex(/[^A-Za-z0-9]/g).replace(/\\u..../g, (escape) => `\\u${escape.slice(2).toUpperCase()}`),
    hex(/[^]/g),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    Buffer.from(middle).toString('hex'),
    // A word of the index: without its signs and in small letters.
    ...middle.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word.length >= 10),
  ]; // prettier-ignore
  const bytes = [...new Set(texts)].map((text) => Buffer.from(text));
  return [...bytes, Buffer.from(middle, 'utf16le'), Buffer.from(middle, 'utf16le').swap16()];
}

/** The names of what a secret is in, in any form. */
export function findSecret(haystacks: readonly Haystack[], secret: string): string[] {
  const needles = needlesOf(secret);
  return haystacks.filter(([, bytes]) => needles.some((needle) => bytes.includes(needle))).map(([name]) => name);
}

/** The same for all of it, as it is. */
export const findWhole = (haystacks: readonly Haystack[], secret: string): string[] =>
  haystacks.filter(([, bytes]) => bytes.includes(secret)).map(([name]) => name);
