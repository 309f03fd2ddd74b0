// What is secret in one run. Headers teach it, and it masks everywhere: headers, paths, bodies, streams.
// Bodies are masked at equal length, so that offsets and sizes in a recording stay true.
import { createHmac } from 'node:crypto';

import type { RawHeaders } from '../domain/index.ts';
import { isOrdinary, isOrdinaryCookie, minSecretLength, secretForms } from './secret-forms.ts';
import {
  cookieValues,
  headerKind,
  isSecretParameter,
  readBasic,
  replaceCookieValues,
  splitCredentials,
} from './secret-headers.ts';
import { shapes } from './shapes.ts';
import type { ByteRange } from './shapes.ts';

/** 32 random bytes, kept per home: fingerprints of one home can be compared, and not looked up elsewhere. */
export type MaskKey = Uint8Array;

/** One spelling of a learnt secret. */
export interface SecretForm {
  readonly bytes: Buffer;
  /** How far to go on after a match so that an overlapping one is still found. */
  readonly step: number;
  readonly fingerprint: string;
}

/** Bytes to mask, and the fingerprint to show there. */
export interface SecretRange extends ByteRange {
  readonly fingerprint: string;
}

export class Vault {
  readonly #key: MaskKey;
  readonly #values = new Set<string>();
  readonly #forms: SecretForm[] = [];
  #longestForm = 0;

  constructor(key: MaskKey) {
    this.#key = key;
  }

  /** How many secrets are known. */
  get size(): number {
    return this.#values.size;
  }

  /** The spellings to search for. */
  get forms(): readonly SecretForm[] {
    return this.#forms;
  }

  /** In bytes. */
  get longestForm(): number {
    return this.#longestForm;
  }

  /**
   * Learns a secret value found anywhere. Values shorter than 8 characters and plain words, numbers and dates are ignored:
   * masking them everywhere would blot out ordinary text.
   */
  learn(value: string): void {
    if (isOrdinary(value) || this.#values.has(value)) return;
    this.#values.add(value);
    const fingerprint = this.fingerprint(value);
    for (const form of secretForms(value)) {
      const bytes = Buffer.from(form);
      if (bytes.length < minSecretLength) continue;
      this.#forms.push({ bytes, step: repeatStep(bytes), fingerprint });
      this.#longestForm = Math.max(this.#longestForm, bytes.length);
    }
  }

  /** Learns every credential in these headers. */
  learnHeaders(headers: RawHeaders): void {
    for (const [name, value] of headers) {
      const kind = headerKind(name);
      if (kind === 'credentials') this.#learnCredentials(value);
      else if (kind === 'secret') this.learn(splitCredentials(value).rest);
      else if (kind === 'cookie') this.#learnCookies(cookieValues(value));
      else if (kind === 'set-cookie') this.#learnCookies(cookieValues(value).slice(0, 1));
      else if (kind === 'url') this.maskPath(value);
    }
  }

  /** Headers fit for storing, in the same order: schemes and cookie names stay, secret values become `masked:<fingerprint>`. */
  maskHeaders(headers: RawHeaders): RawHeaders {
    this.learnHeaders(headers);
    return headers.map(([name, value]) => [name, this.#maskHeader(name, value)] as const);
  }

  /** Masks the values of token-like query parameters, and learns them; what else is known secret is masked too. */
  maskPath(path: string): string {
    const masked = path.replace(/([?&#;])([^=&#;?]+)=([^&#;]*)/g, (whole, before: string, name: string, value: string) => {
      if (value === '' || value.startsWith('masked:') || !isSecretParameter(decodePercent(name))) return whole;
      const plain = decodePercent(value);
      if (!isOrdinaryCookie(plain)) this.learn(plain);
      return `${before}${name}=${this.#mark(plain)}`;
    });
    return this.maskText(masked);
  }

  /**
   * Replaces each learnt secret, and what is shaped like a credential, by a text of equal length that begins
   * `masked:<8 hex>` and is padded with `*`. The same object comes back where nothing was found.
   */
  mask(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly count: number } {
    const buffer = asBuffer(bytes);
    const ranges = this.findSecrets(buffer);
    if (ranges.length === 0) return { bytes, count: 0 };
    const masked = Buffer.from(buffer);
    for (const range of ranges) writeMask(masked, range);
    return { bytes: masked, count: ranges.length };
  }

  /** The same for text; lengths are equal in UTF-8 bytes. */
  maskText(text: string): string {
    if (text.length < minSecretLength) return text;
    const { bytes, count } = this.mask(Buffer.from(text));
    return count === 0 ? text : asBuffer(bytes).toString();
  }

  /** First 8 hex digits of HMAC-SHA256(key, value): equal secrets can be told equal. */
  fingerprint(value: string): string {
    return createHmac('sha256', this.#key).update(value).digest('hex').slice(0, 8);
  }

  /** Where secrets are, in order, with overlapping ones joined into one range. */
  findSecrets(bytes: Buffer): SecretRange[] {
    const found: SecretRange[] = [];
    // Fields first: a refresh token named in one place is masked in all.
    for (const shape of shapes) {
      for (let at = bytes.indexOf(shape.literal); at !== -1;) {
        const { match, next } = shape.read(bytes, at);
        if (match !== null) {
          const value = bytes.toString('latin1', match.start, match.end);
          this.learn(value);
          found.push({ ...match, fingerprint: this.fingerprint(value) });
        }
        at = bytes.indexOf(shape.literal, next);
      }
    }
    for (const { bytes: form, step, fingerprint } of this.#forms) {
      for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + step)) {
        found.push({ start: at, end: at + form.length, fingerprint });
      }
    }
    return joinRanges(found);
  }

  #learnCredentials(value: string): void {
    const { scheme, rest } = splitCredentials(value);
    if (scheme?.toLowerCase() === 'basic') {
      const basic = readBasic(rest);
      if (basic !== null) {
        this.learn(basic.password);
        this.learn(basic.pair);
      }
    }
    if (!/[\s,]/.test(rest)) this.learn(rest);
  }

  #learnCookies(values: readonly string[]): void {
    for (const value of values) {
      if (isOrdinaryCookie(value)) continue;
      this.learn(value);
      const plain = decodePercent(value);
      if (plain !== value && !isOrdinaryCookie(plain)) this.learn(plain);
    }
  }

  #maskHeader(name: string, value: string): string {
    const kind = headerKind(name);
    switch (kind) {
      case 'credentials': {
        const { scheme, rest } = splitCredentials(value);
        if (rest === '') return value;
        return scheme === null ? this.#mark(rest) : `${scheme} ${this.#mark(rest)}`;
      }
      case 'secret':
        return value === '' || /^(\d{1,7}|true|false)$/i.test(value) ? value : this.#maskSecret(value);
      case 'cookie':
      case 'set-cookie':
        return replaceCookieValues(value, kind === 'set-cookie', (secret) => this.#mark(secret));
      case 'url':
        return this.maskPath(value);
      case 'plain':
        return this.maskText(value);
    }
  }

  /** `x-api-key: Bearer abc` keeps its scheme too. */
  #maskSecret(value: string): string {
    const { scheme, rest } = splitCredentials(value);
    return scheme === null ? this.#mark(rest) : `${scheme} ${this.#mark(rest)}`;
  }

  #mark(value: string): string {
    return `masked:${this.fingerprint(value)}`;
  }
}

/** Writes the mask's text over a range, cut where the range is shorter than it. */
export function writeMask(bytes: Buffer, { start, end, fingerprint }: SecretRange): void {
  bytes.fill('*', start, end);
  bytes.write(`masked:${fingerprint}`.slice(0, end - start), start, 'latin1');
}

function joinRanges(ranges: SecretRange[]): SecretRange[] {
  // The longest of those that begin together gives its fingerprint: a secret may begin with another.
  ranges.sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: SecretRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last === undefined || range.start >= last.end) joined.push(range);
    else if (range.end > last.end) joined[joined.length - 1] = { ...last, end: range.end };
  }
  return joined;
}

/** The smallest shift at which these bytes match themselves, so that no overlapping match is missed (Knuth, Morris, Pratt). */
function repeatStep(bytes: Buffer): number {
  const borders = new Int32Array(bytes.length);
  for (let at = 1, border = 0; at < bytes.length; at += 1) {
    while (border > 0 && bytes[at] !== bytes[border]) border = borders[border - 1] ?? 0;
    if (bytes[at] === bytes[border]) border += 1;
    borders[at] = border;
  }
  return bytes.length - (borders.at(-1) ?? 0);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
