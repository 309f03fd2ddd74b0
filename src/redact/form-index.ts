// All spellings of all secrets, looked for in one pass: by their first four bytes. A run may know 256 secrets in 3,000 spellings, and one
// search for each of them would keep the recorder from following its traffic.
import type { SecretForm, SecretRange } from './vault.ts';

const startBytes = 4;

export class FormIndex {
  /** By a hash of four bytes: does any spelling begin so? Nearly always the answer is no. */
  readonly #maybe = new Uint8Array(1 << 16);
  readonly #byStart = new Map<number, SecretForm[]>();
  /** The first one, two and three bytes of each. */
  readonly #short = [new Set<number>(), new Set<number>(), new Set<number>()] as const;
  readonly #longest: number;

  /** None is shorter than four bytes. */
  constructor(forms: readonly SecretForm[]) {
    let longest = 0;
    for (const form of forms) {
      const { bytes } = form;
      const start = bytes.readUInt32BE(0);
      this.#maybe[hashOf(start)] = 1;
      const known = this.#byStart.get(start);
      if (known === undefined) this.#byStart.set(start, [form]);
      else known.push(form);
      for (const [at, starts] of this.#short.entries()) starts.add(start >>> (8 * (startBytes - 1 - at)));
      longest = Math.max(longest, bytes.length);
    }
    this.#longest = longest;
  }

  /** Every place from `from` on where a spelling stands whole. */
  find(bytes: Buffer, from: number): SecretRange[] {
    const found: SecretRange[] = [];
    if (this.#byStart.size === 0 || bytes.length - from < startBytes) return found;
    let start = bytes.readUIntBE(from, startBytes - 1);
    for (let at = from + startBytes - 1; at < bytes.length; at += 1) {
      start = ((start << 8) | bytes[at]!) >>> 0;
      if (this.#maybe[hashOf(start)] === 0) continue;
      const place = at - startBytes + 1;
      for (const { bytes: form, fingerprint } of this.#byStart.get(start) ?? []) {
        const end = place + form.length;
        if (end <= bytes.length && bytes.compare(form, 0, form.length, place, end) === 0) {
          found.push({ start: place, end, fingerprint });
        }
      }
    }
    return found;
  }

  /** The first place from `from` on where all that is left is the beginning of a spelling, and not all of it; the end where there is none. */
  startOfPart(bytes: Buffer, from: number): number {
    for (let at = Math.max(from, bytes.length - this.#longest + 1); at < bytes.length; at += 1) {
      if (this.#isPart(bytes, at)) return at;
    }
    return bytes.length;
  }

  #isPart(bytes: Buffer, at: number): boolean {
    const left = bytes.length - at;
    if (left < startBytes) return this.#short[left - 1]!.has(bytes.readUIntBE(at, left));
    const start = bytes.readUInt32BE(at);
    if (this.#maybe[hashOf(start)] === 0) return false;
    const forms = this.#byStart.get(start) ?? [];
    return forms.some(({ bytes: form }) => form.length > left && bytes.compare(form, 0, left, at) === 0);
  }
}

const hashOf = (start: number): number => Math.imul(start, 0x9e37_79b1) >>> 16;
