// What looks like a credential without having been learnt: JWTs, `sk-` keys, and the token fields of OAuth JSON and forms.
// Scanned by hand over bytes, in one pass over each run of token characters: a regular expression goes quadratic on base64.

/** The bytes from `start` up to `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Shape {
  /** What every match begins with. */
  readonly literal: Buffer;
  /** Its value is named, not shaped: elsewhere it is only found by being learnt. */
  readonly isNamed: boolean;
  /**
   * Looks at the literal found at `at`. `match`: the secret there. `next`: where to search on.
   * `isOpen`: the buffer ended before it could be told, so that more bytes may make it (longer) secret.
   */
  read(bytes: Buffer, at: number): ShapeReading;
}

interface ShapeReading {
  readonly match: ByteRange | null;
  readonly next: number;
  readonly isOpen: boolean;
}

const DOT = 0x2e;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const EQUALS = 0x3d;

const base64url = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-');
const token68 = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=');

/** Of a form: what is no token character is percent-encoded. */
const formValue = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=%');

const minJwtHeader = 11;
const minKeyTail = 20;
const minFieldValue = 16;

/** `eyJ…` and two or more further base64url parts (a JWE has five, of which the second may be empty). */
const jwt: Shape = {
  literal: Buffer.from('eyJ'),
  isNamed: false,
  read(bytes, at) {
    const header = endOfRun(bytes, at, base64url);
    const lengths = [header - at];
    let end = header;
    while (bytes[end] === DOT && lengths.length < 5 && (lengths.length < 3 || isInSet(base64url, bytes[end + 1]))) {
      const start = end + 1;
      end = endOfRun(bytes, start, base64url);
      lengths.push(end - start);
    }
    const isOpen = end >= bytes.length || (bytes[end] === DOT && end + 1 >= bytes.length);
    const isFilled = lengths.every((length, index) => length > 0 || (index === 1 && lengths.length === 5));
    const isMatch = header - at >= minJwtHeader && lengths.length >= 3 && isFilled;
    // A later eyJ in the same run would meet the same end: searching on behind the run keeps this linear.
    return { match: isMatch ? { start: at, end } : null, next: isMatch ? end : header, isOpen };
  },
};

/** `sk-…` that no word runs into ("task-…", "disk-…"), and that is more than words joined by hyphens. */
const apiKey: Shape = {
  literal: Buffer.from('sk-'),
  isNamed: false,
  read(bytes, at) {
    const end = endOfRun(bytes, at, base64url);
    if (!isWordStart(bytes, at)) return { match: null, next: at + 3, isOpen: false };
    const isMatch = end - at - 3 >= minKeyTail && isKeyLike(bytes.toString('latin1', at + 3, end));
    return { match: isMatch ? { start: at, end } : null, next: end, isOpen: end >= bytes.length };
  },
};

/** `"refresh_token":"…"`, also inside a JSON string (`\"…\"`), and `refresh_token=…` in a form. */
const tokenField = (name: string): Shape => ({
  literal: Buffer.from(name),
  isNamed: true,
  read(bytes, at) {
    const start = startOfFieldValue(bytes, at + name.length);
    if (start === null) return { match: null, next: at + name.length, isOpen: false };
    const end = endOfFieldValue(bytes, start, bytes[start - 1] === EQUALS ? formValue : token68);
    const isMatch = end - start >= minFieldValue && isKeyLike(bytes.toString('latin1', start, end));
    return {
      match: isMatch ? { start, end } : null,
      next: Math.max(end, at + name.length),
      isOpen: end >= bytes.length,
    };
  },
});

export const shapes: readonly Shape[] = [
  jwt,
  apiKey,
  ...['access_token', 'refresh_token', 'id_token', 'client_secret', 'accessToken', 'refreshToken', 'idToken'].map(
    tokenField,
  ),
];

/** Where the value after a field's name begins; the buffer's end where it may still come; null where there is none. */
function startOfFieldValue(bytes: Buffer, after: number): number | null {
  let at = after;
  if (bytes[at] === EQUALS) return at + 1;
  const skipQuote = (): boolean => {
    while (bytes[at] === BACKSLASH) at += 1;
    if (at >= bytes.length) return true;
    if (bytes[at] !== QUOTE) return false;
    at += 1;
    return true;
  };
  const skipSpace = (): void => {
    while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  };
  if (!skipQuote()) return null;
  skipSpace();
  if (at < bytes.length && bytes[at] !== COLON) return null;
  at += 1;
  skipSpace();
  if (!skipQuote()) return null;
  return Math.min(at, bytes.length);
}

/** A run of such characters, and of what JSON may write in their place: `\\/`, `\\u002b`, in a string inside a string with more backslashes. */
function endOfFieldValue(bytes: Buffer, start: number, set: Uint8Array): number {
  let at = endOfRun(bytes, start, set);
  while (bytes[at] === BACKSLASH) {
    let next = at;
    while (bytes[next] === BACKSLASH) next += 1;
    const escape = bytes.toString('latin1', next, next + 5);
    // Whatever follows may still make it one.
    if (next + escape.length >= bytes.length && /^(u[0-9a-f]{0,4})?$/i.test(escape)) return bytes.length;
    const length = escape.startsWith('/') ? 1 : /^u[0-9a-f]{4}$/i.test(escape) ? 5 : 0;
    if (length === 0) return at;
    at = endOfRun(bytes, next + length, set);
  }
  return at;
}

/** The secret that a field's value stands for. */
export function plainFieldValue(written: string): string {
  if (written.includes('%')) {
    try {
      return decodeURIComponent(written);
    } catch {
      return written;
    }
  }
  return written
    .replaceAll(/\\+u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/\\+\//g, '/');
}

/** Nothing runs into it: a separator, or an escape whose last character is a letter or digit (`\n`, `%3D`, `\u003d`). */
function isWordStart(bytes: Buffer, at: number): boolean {
  if (at === 0 || !isInSet(base64url, bytes[at - 1])) return true;
  const before = bytes.toString('latin1', Math.max(0, at - 6), at);
  return /\\[nrtbf]$|%[0-9A-Fa-f]{2}$|\\u[0-9A-Fa-f]{4}$/.test(before);
}

/** How many bytes before a match decide whether it is one. */
export const shapeContextBytes = 6;

function isKeyLike(text: string): boolean {
  return /[0-9A-Z]/.test(text) || /[a-z]{16}/.test(text);
}

function endOfRun(bytes: Buffer, from: number, set: Uint8Array): number {
  let at = from;
  while (at < bytes.length && set[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

function isInSet(set: Uint8Array, byte: number | undefined): boolean {
  return byte !== undefined && set[byte] === 1;
}

/** May this byte go on a token that was masked up to here? */
export function isTokenByte(byte: number | undefined): boolean {
  return isInSet(token68, byte);
}

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) set[byte] = 1;
  return set;
}
