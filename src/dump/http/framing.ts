// How an HTTP/1.1 message says where its body ends, as its headers have it (RFC 9112, section 6), and the body's bytes framed that way.
// HTTP/2 messages are written as HTTP/1.1: without pseudo-headers, and framed by their content-length, or by the end of the connection
// (an answer) or in chunks (a request).
import type { RawHeaders, RequestHead, ResponseHead } from '../../domain/index.ts';

export type Framing =
  | { readonly type: 'none' }
  | { readonly type: 'chunked' }
  | { readonly type: 'length'; readonly bytes: number }
  | { readonly type: 'untilClose' };

/** Of a request that does not say: chunked if a body comes, none otherwise. */
export function requestFraming(head: RequestHead): Framing | { readonly type: 'unsaid' } {
  return framingOf(head.headers) ?? { type: 'unsaid' };
}

export function responseFraming(request: RequestHead, { status, headers }: ResponseHead): Framing {
  if (request.method === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200)) {
    return { type: 'none' };
  }
  return framingOf(headers) ?? { type: 'untilClose' };
}

export const isHttp1 = (request: Pick<RequestHead, 'httpVersion'>): boolean => request.httpVersion.startsWith('1');

export function readHeader(headers: RawHeaders, name: string): string | null {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1] ?? null;
}

function framingOf(headers: RawHeaders): Framing | null {
  // HTTP/2 has no such field: where it stands, it was put there for this file.
  const coding = readHeader(headers, 'transfer-encoding');
  if (coding !== null && /(^|,)\s*chunked\s*$/i.test(coding)) return { type: 'chunked' };
  const length = readHeader(headers, 'content-length');
  if (length !== null && /^\d{1,15}$/.test(length.trim())) return { type: 'length', bytes: Number(length) };
  return null;
}

/** A head as it was sent: names, order and casing kept. */
export function requestHeadBytes(head: RequestHead, added: RawHeaders = []): Buffer {
  const version = isHttp1(head) ? head.httpVersion : '1.1';
  const host = head.headers.find(([name]) => name.toLowerCase() === ':authority')?.[1];
  const isHostMissing = !isHttp1(head) && readHeader(head.headers, 'host') === null;
  const fields = isHostMissing ? [['host', host ?? head.host] as const] : [];
  return headBytes(`${head.method} ${head.path} HTTP/${version}`, [...fields, ...plain(head.headers), ...added]);
}

export function responseHeadBytes(request: RequestHead, { status, reason, headers }: ResponseHead): Buffer {
  const version = isHttp1(request) ? request.httpVersion : '1.1';
  return headBytes(`HTTP/${version} ${status} ${reason}`, plain(headers));
}

const plain = (headers: RawHeaders): RawHeaders => headers.filter(([name]) => !name.startsWith(':'));

/** Node gives header bytes as Latin-1 text, and they are written back as such; what is beyond it is UTF-8. */
function headBytes(startLine: string, headers: RawHeaders): Buffer {
  const text = `${[startLine, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`;
  return Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1');
}

/** A piece of a message on its way: bytes, or how many of them are missing. */
export type Piece = Uint8Array | number;

export const chunkedHeader: RawHeaders = [['transfer-encoding', 'chunked']];

/** Of a message whose body is given decoded: what the head no longer says of it is kept in it under other names, and the body comes in chunks. */
export function decodedHeaders(headers: RawHeaders): RawHeaders {
  const kept = headers.filter(([name]) => name.toLowerCase() !== 'transfer-encoding');
  const rename = (name: string): string => (/^content-(encoding|length)$/i.test(name) ? `x-tapes-${name}` : name);
  return [...kept.map(([name, value]) => [rename(name), value] as const), ...chunkedHeader];
}

const crlf = Buffer.from('\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');

const chunkHead = (bytes: number): Buffer => Buffer.from(`${bytes.toString(16)}\r\n`, 'latin1');

/** The chunk that was made last: both sides of the interceptor say the same one. */
let lastMade: { readonly piece: Uint8Array; readonly chunk: Buffer } | null = null;

function chunkOf(piece: Uint8Array): Buffer {
  if (lastMade?.piece !== piece) lastMade = { piece, chunk: Buffer.concat([chunkHead(piece.length), piece, crlf]) };
  return lastMade.chunk;
}

/** Frames a body, piece by piece. What goes beyond a stated length is left out and counted. */
export class BodyFrames {
  readonly framing: Framing;
  #sentBytes = 0;
  #surplusBytes = 0;

  constructor(framing: Framing) {
    this.framing = framing;
  }

  /** Bytes that the headers leave no room for. */
  get surplusBytes(): number {
    return this.#surplusBytes;
  }

  /** Bytes that the head promised and that have not come. */
  get owedBytes(): number {
    return this.framing.type === 'length' ? this.framing.bytes - this.#sentBytes : 0;
  }

  push(piece: Piece): Piece[] {
    const size = typeof piece === 'number' ? piece : piece.length;
    if (size === 0) return [];
    switch (this.framing.type) {
      case 'none':
        this.#surplusBytes += size;
        return [];
      case 'length': {
        const kept = Math.min(size, this.framing.bytes - this.#sentBytes);
        this.#surplusBytes += size - kept;
        this.#sentBytes += kept;
        if (kept === 0) return [];
        return [typeof piece === 'number' ? kept : piece.subarray(0, kept)];
      }
      case 'untilClose':
        return [piece];
      case 'chunked':
        return typeof piece === 'number' ? [chunkHead(piece), piece, crlf] : [chunkOf(piece)];
      default:
        return this.framing satisfies never;
    }
  }

  /** What stands for all that was pushed so far, where it is not said again. */
  missed(isEnded: boolean): Piece[] {
    if (this.framing.type === 'length') return this.#sentBytes === 0 ? [] : [this.#sentBytes];
    return isEnded ? this.end() : [];
  }

  end(): Piece[] {
    return this.framing.type === 'chunked' ? [lastChunk] : [];
  }
}
