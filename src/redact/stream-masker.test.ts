import { describe, expect, it } from 'vitest';

import { chunkings, cutIntoChunks, randomInt, randomJsonText, seededRandom } from '../../test/support/chunks.ts';
import { StreamMasker, Vault } from './index.ts';

const key = Buffer.alloc(32, 7);
const secret = 'Zx81-q7Lm+9/tR4v';
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImRldkBleGFtcGxlLm9yZyJ9.${'s1G-'.repeat(10)}`;
const apiKey = 'sk-proj-4f9A7c2E8b1D5a6F3e0C9b8A';

function vaultWith(...values: readonly string[]): Vault {
  const vault = new Vault(key);
  for (const value of values) vault.learn(value);
  return vault;
}

function maskChunks(vault: Vault, chunks: readonly Uint8Array[]): { text: string; count: number } {
  const masker = new StreamMasker(vault);
  const parts = chunks.map((chunk) => masker.push(chunk));
  return { text: Buffer.concat([...parts, masker.end()]).toString(), count: masker.count };
}

const cases: readonly (readonly [name: string, values: string[], text: string])[] = [
  ['a secret', [secret], `before ${secret} between ${secret}${secret} after`],
  ['a secret at the very end', [secret], `data: ${secret}`],
  ['almost a secret', [secret], `${secret.slice(0, -1)}! ${secret.slice(0, 9)} ${secret.slice(0, 3)}`],
  ['a secret that begins with another', [secret, `${secret}-more-9`], `${secret}-more-8 ${secret}-more-9 ${secret}`],
  ['secrets that overlap', ['abcd1234efgh', '34efgh5678'], 'abcd1234efgh5678 abcd1234efgh abcd1234ef'],
  ['a secret that overlaps itself', ['a1b2c3a1b2c3a1'], `${'a1b2c3'.repeat(5)}a1 a1b2c3a1b2`],
  ['a JSON-escaped secret', ['quote" and \\ 17'], JSON.stringify({ out: 'quote" and \\ 17' })],
  ['a JWT', [], `{"id_token":"${jwt}","x":1} ${jwt}`],
  ['what is almost a JWT', [], `eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6 and eyJ and e`],
  ['an sk- key', [], `OPENAI_API_KEY=${apiKey}\\n${apiKey} task-management-and-scheduling-42 sk-`],
  ['a token field', [], '{"refresh_token":"rt_9f8e7d6c5b4a39281706","n":"rt_9f8e7d6c5b4a39281706"} access_token'],
  ['multi-byte text around', [secret], `日本語${secret}日本語 ${'é'.repeat(30)}`],
];

describe.each(cases)('%s', (_, values, text) => {
  it('is masked as in the whole body, however it is cut', () => {
    const whole = vaultWith(...values).mask(Buffer.from(text));
    for (const { name, chunks } of chunkings(Buffer.from(text))) {
      const masked = maskChunks(vaultWith(...values), chunks);
      expect(masked.text, `with ${name}`).toBe(Buffer.from(whole.bytes).toString());
      expect(masked.count, `with ${name}`).toBe(whole.count);
    }
  });

  it('is masked when it is cut in two at any byte', () => {
    const bytes = Buffer.from(text);
    const whole = Buffer.from(vaultWith(...values).mask(bytes).bytes).toString();
    for (let at = 0; at <= bytes.length; at += 1) {
      const { text: masked } = maskChunks(vaultWith(...values), [bytes.subarray(0, at), bytes.subarray(at)]);
      expect(masked, `cut at ${at}`).toBe(whole);
    }
  });
});

it('masks random streams as it masks them whole', () => {
  const random = seededRandom(51);
  for (let round = 0; round < 300; round += 1) {
    const values = Array.from({ length: 3 }, () =>
      Array.from({ length: randomInt(random, 8, 24) }, () => 'aB3-'[randomInt(random, 0, 3)] ?? '').join(''),
    );
    const pieces = [
      ...values,
      ...values.map((value) => value.slice(0, 7)),
      jwt,
      apiKey,
      'eyJ',
      'sk-',
      ' ',
      '"',
      randomJsonText(round, 20),
    ];
    const text = Array.from({ length: 25 }, () => pieces[randomInt(random, 0, pieces.length - 1)] ?? '').join('');
    const bytes = Buffer.from(text);
    const whole = Buffer.from(vaultWith(...values).mask(bytes).bytes).toString();
    for (const largest of [1, 5, 60]) {
      expect(maskChunks(vaultWith(...values), cutIntoChunks(bytes, round, largest)).text, `with ${text}`).toBe(whole);
    }
  }
});

it('lets ordinary bytes go at once', () => {
  const masker = new StreamMasker(vaultWith(secret));
  const event = 'event: x\ndata: {"delta":"word"}\n\n';
  expect(Buffer.from(masker.push(Buffer.from(event))).toString()).toBe(event);
  expect(masker.push(new Uint8Array(0)).length).toBe(0);
});

it('holds back only what could be a beginning', () => {
  const masker = new StreamMasker(vaultWith(secret));
  expect(Buffer.from(masker.push(Buffer.from(`ab ${secret.slice(0, 5)}`))).toString()).toBe('ab ');
  expect(Buffer.from(masker.push(Buffer.from('!'))).toString()).toBe(`${secret.slice(0, 5)}!`);
});

it('masks a secret that is learnt while the stream runs', () => {
  const vault = new Vault(key);
  const masker = new StreamMasker(vault);
  masker.push(Buffer.from('before '));
  vault.learn(secret);
  expect(Buffer.from(masker.push(Buffer.from(`${secret} after`))).toString()).not.toContain(secret);
});

it('holds back a bounded amount of a token that does not end, and shows none of it', () => {
  const masker = new StreamMasker(new Vault(key));
  const parts: Uint8Array[] = [];
  let heldBytes = 0;
  for (const chunk of cutIntoChunks(Buffer.from(`${jwt}${'a'.repeat(300_000)} end`), 1, 5000)) {
    const out = masker.push(chunk);
    parts.push(out);
    heldBytes += chunk.length - out.length;
    expect(heldBytes).toBeLessThan(32_000);
  }
  expect(Buffer.concat([...parts, masker.end()]).toString()).toMatch(/^masked:[0-9a-f]{8}\*{300000,} end$/);
});

it('lets go of a long run that is no token', () => {
  const text = `eyJ${'a'.repeat(100_000)} ${'access_token="'.repeat(10)}${'b'.repeat(100)}`;
  const { text: masked } = maskChunks(new Vault(key), cutIntoChunks(Buffer.from(text), 2, 3000));
  expect(masked.length).toBe(text.length);
  expect(masked.startsWith(`eyJ${'a'.repeat(1000)}`)).toBe(true);
});

it('is fast with many small chunks', () => {
  const vault = vaultWith(secret, jwt, apiKey, 'q1W2e3R4t5Y6u7I8');
  const chunks = cutIntoChunks(Buffer.from(randomJsonText(4, 1_000_000)), 3, 300);
  const started = performance.now();
  maskChunks(vault, chunks);
  expect(performance.now() - started).toBeLessThan(3000);
});
