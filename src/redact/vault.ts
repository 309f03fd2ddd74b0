// What is secret in one run. Headers teach it, and it masks everywhere: headers, paths, bodies, streams.
// Bodies are masked at equal length, so that offsets and sizes in a recording stay true.
import { createHmac } from 'node:crypto';

import type { RawHeaders } from '../domain/index.ts';
import { FormIndex } from './form-index.ts';
import { findMarks, fitMark, type HeaderMarkLengths, type MarkLengths } from './mark-lengths.ts';
import { PrefixScan, type Sight } from './prefix-scan.ts';
import { isOrdinary, isOrdinaryCookie, minSecretLength, secretForms } from './secret-forms.ts';
import {
  cookieValues,
  headerKind,
  isCredentialParameter,
  isSecretParameter,
  readBasic,
  replaceCookieValues,
  splitCredentials,
  splitKnownScheme,
} from './secret-headers.ts';
import { plainFieldValue, shapes } from './shapes.ts';
import type { ByteRange } from './shapes.ts';

/** 32 random bytes, kept per home: fingerprints of one home can be compared, and not looked up elsewhere. */
export type MaskKey = Uint8Array;

/** One spelling of a learnt secret. */
export interface SecretForm {
  readonly bytes: Buffer;
  readonly fingerprint: string;
}

/** Bytes to mask, and the fingerprint to show there. */
export interface SecretRange extends ByteRange {
  readonly fingerprint: string;
}

/** Cookies are renewed all day and a standing proxy runs for weeks: beyond this the secret seen longest ago is forgotten. */
const maxSecrets = 256;

/** Secrets that a quick look is worth its making for: an agent's logins and cookies are about ten. */
const maxScanned = 32;

/** A secret has about ten spellings, and all of them are in memory: of a longer one the beginning is searched for. Real ones have 100 to 8,000. */
const longestSearched = 16 * 1024;

export interface VaultOptions {
  /** Masks in headers and paths are as long as what they stand for, as those in bodies always are. */
  readonly keepsLengths?: boolean;
}

export class Vault {
  readonly #key: MaskKey;
  readonly #keepsLengths: boolean;
  /** In the order in which they were last seen. */
  readonly #secrets = new Map<string, readonly SecretForm[]>();
  /** Made when it is asked for: many secrets may be learnt at once. */
  #index: FormIndex | null = null;
  #longestForm = 0;
  /** What was put in the path or header that was masked last, where lengths are not kept. */
  #marks: { readonly mark: string; readonly length: number }[] = [];
  /** Made when it is first asked after something was learnt. */
  #scan: PrefixScan | null = null;

  constructor(key: MaskKey, { keepsLengths = false }: VaultOptions = {}) {
    this.#key = key;
    this.#keepsLengths = keepsLengths;
  }

  /** How many secrets are known. */
  get size(): number {
    return this.#secrets.size;
  }

  /** The spellings to search for. */
  get forms(): FormIndex {
    this.#index ??= new FormIndex(this.#listForms());
    return this.#index;
  }

  /** In bytes; of what has been forgotten, too. */
  get longestForm(): number {
    return this.#longestForm;
  }

  /**
   * Learns a secret value found anywhere. Values shorter than 8 characters and plain words, numbers and dates are ignored:
   * masking them everywhere would blot out ordinary text.
   */
  learn(whole: string): void {
    const value = whole.slice(0, longestSearched);
    if (isOrdinary(value)) return;
    const known = this.#secrets.get(value);
    this.#secrets.delete(value);
    this.#secrets.set(value, known ?? this.#formsOf(value));
    if (known !== undefined) return;
    const [oldest] = this.#secrets.keys();
    if (this.#secrets.size > maxSecrets && oldest !== undefined) this.#secrets.delete(oldest);
    this.#index = null;
    this.#scan = null;
    this.#longestForm = Math.max(
      this.#longestForm,
      ...(this.#secrets.get(value) ?? []).map(({ bytes }) => bytes.length),
    );
  }

  /** Learns every credential in these headers. */
  learnHeaders(headers: RawHeaders): void {
    for (const [name, value] of headers) {
      const kind = headerKind(name);
      if (kind === 'credentials') this.#learnCredentials(value);
      else if (kind === 'secret') this.learn(splitKnownScheme(value).rest);
      else if (kind === 'cookie') this.#learnCookies(cookieValues(value));
      else if (kind === 'set-cookie') this.#learnCookies(cookieValues(value).slice(0, 1));
      else if (kind === 'url') this.maskPath(value);
    }
  }

  /** Headers fit for storing, in the same order: schemes and cookie names stay, secret values become `masked:<fingerprint>`. */
  maskHeaders(headers: RawHeaders): RawHeaders {
    return this.maskHeadersWithLengths(headers).headers;
  }

  /** The same, and how long what each mark stands for was. */
  maskHeadersWithLengths(headers: RawHeaders): { readonly headers: RawHeaders; readonly lengths: HeaderMarkLengths } {
    this.learnHeaders(headers);
    const lengths: Record<string, MarkLengths> = {};
    const masked = headers.map(([name, value], place) => {
      this.#marks = [];
      const text = this.#maskHeader(name, value);
      if (this.#marks.length > 0) lengths[place] = findMarks(text, this.#marks);
      return [name, text] as const;
    });
    return { headers: masked, lengths };
  }

  /** As above, of a path. */
  maskPathWithLengths(path: string): { readonly path: string; readonly lengths: MarkLengths } {
    const masked = this.maskPath(path);
    return { path: masked, lengths: findMarks(masked, this.#marks) };
  }

  /** Masks the values of token-like query parameters, and learns them; what else is known secret is masked too. */
  maskPath(path: string): string {
    this.#marks = [];
    const masked = path.replace(
      /([?&#;])([^=&#;?]+)=([^&#;]*)/g,
      (whole, before: string, name: string, value: string) => {
        if (value === '' || value.startsWith('masked:') || !isSecretParameter(decodePercent(name))) return whole;
        const plain = decodePercent(value);
        if (isCredentialParameter(decodePercent(name)) || !isOrdinaryCookie(plain)) this.learn(plain);
        return `${before}${name}=${this.#mark(plain, value)}`;
      },
    );
    return this.maskText(masked);
  }

  /**
   * Replaces each learnt secret, and what is shaped like a credential, by a text of equal length that begins
   * `masked:<8 hex>` and is padded with `*`. The same object comes back where nothing was found.
   */
  mask(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly count: number } {
    const buffer = asBuffer(bytes);
    const ranges = this.findSecrets(buffer, { isWhole: true });
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

  /** A quick look at bytes, from `from` on. `nothing`: no secret is in them, and none begins at their end. */
  look(bytes: Uint8Array, from = 0): Sight {
    // A scan is made anew with each secret that is learnt: with many of them that would take longer than it saves.
    if (this.#secrets.size > maxScanned) return 'found';
    this.#scan ??= new PrefixScan([
      ...shapes.map(({ literal }) => literal),
      ...this.#listForms().map(({ bytes: form }) => form),
    ]);
    return this.#scan.look(bytes, from);
  }

  /**
   * Where secrets are, in order, with overlapping ones joined into one range. `isWhole: false` says that more bytes follow: then
   * what the end of the buffer may have cut is not taken for a secret yet. Bytes before `from` are only looked back at.
   */
  findSecrets(bytes: Buffer, { isWhole, from = 0 }: { isWhole: boolean; from?: number }): SecretRange[] {
    if (this.look(bytes, from) !== 'found') return [];
    const found: SecretRange[] = [];
    // Before the learnt ones: a token field names a secret that is then found in all its places.
    for (const shape of shapes) {
      for (let at = bytes.indexOf(shape.literal, from); at !== -1;) {
        const { match, next, isOpen } = shape.read(bytes, at);
        if (match !== null && (isWhole || !isOpen)) {
          const written = bytes.toString('latin1', match.start, match.end);
          const value = shape.isNamed ? plainFieldValue(written) : written;
          if (shape.isNamed) this.learn(value);
          found.push({ ...match, fingerprint: this.fingerprint(value) });
        }
        at = bytes.indexOf(shape.literal, next);
      }
    }
    return joinRanges([...found, ...this.forms.find(bytes, from)]);
  }

  #listForms(): SecretForm[] {
    return [...this.#secrets.values()].flat();
  }

  #formsOf(value: string): SecretForm[] {
    const fingerprint = this.fingerprint(value);
    return secretForms(value)
      .map((form) => Buffer.from(form))
      .filter((bytes) => bytes.length >= minSecretLength)
      .map((bytes) => ({ bytes, fingerprint }));
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
        const { rest } = splitCredentials(value);
        return rest === '' ? value : this.#markRest(value, rest);
      }
      case 'secret':
        return value === '' || /^(\d{1,7}|true|false)$/i.test(value) ? value : this.#maskSecret(value);
      case 'cookie':
      case 'set-cookie':
        return replaceCookieValues(value, kind === 'set-cookie', (secret, written) => this.#mark(secret, written));
      case 'url':
        return this.maskPath(value);
      case 'plain':
        return this.maskText(value);
    }
  }

  /** `x-api-key: Bearer abc` keeps its scheme too. */
  #maskSecret(value: string): string {
    return this.#markRest(value, splitKnownScheme(value).rest);
  }

  #markRest(value: string, rest: string): string {
    const at = value.lastIndexOf(rest);
    return `${value.slice(0, at)}${this.#mark(rest)}${value.slice(at + rest.length)}`;
  }

  /** `written`: the value as it stands there, where that is another spelling. */
  #mark(value: string, written = value): string {
    const mark = `masked:${this.fingerprint(value)}`;
    if (this.#keepsLengths) return fitMark(mark, written.length);
    this.#marks.push({ mark, length: written.length });
    return mark;
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
