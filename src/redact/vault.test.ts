import { describe, expect, it } from 'vitest';

import { randomInt, randomJsonText, seededRandom } from '../../test/support/chunks.ts';
import { Vault } from './index.ts';

const key = Buffer.alloc(32, 7);
const secret = 'Zx81-q7Lm+9/tR4v';
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImRldkBleGFtcGxlLm9yZyJ9.${'s1G-'.repeat(10)}`;
const apiKey = 'sk-proj-4f9A7c2E8b1D5a6F3e0C9b8A';

function vaultWith(...values: readonly string[]): Vault {
  const vault = new Vault(key);
  for (const value of values) vault.learn(value);
  return vault;
}

/** What stands in the place of a secret of this length. */
function maskOf(vault: Vault, value: string, length = value.length): string {
  return `masked:${vault.fingerprint(value)}`.padEnd(length, '*').slice(0, length);
}

describe('masking', () => {
  it('replaces a learnt secret by a text of equal length that shows its fingerprint', () => {
    const vault = vaultWith(secret);
    const { bytes, count } = vault.mask(Buffer.from(`a ${secret} b ${secret}`));
    expect(Buffer.from(bytes).toString()).toBe(`a ${maskOf(vault, secret)} b ${maskOf(vault, secret)}`);
    expect(count).toBe(2);
    expect(bytes.length).toBe(`a ${secret} b ${secret}`.length);
  });

  it('gives the same object back where there is nothing to mask', () => {
    const bytes = Buffer.from('nothing here');
    expect(vaultWith(secret).mask(bytes)).toEqual({ bytes, count: 0 });
    expect(vaultWith(secret).mask(bytes).bytes).toBe(bytes);
  });

  it('does not change the bytes that it was given', () => {
    const bytes = Buffer.from(`x${secret}x`);
    vaultWith(secret).mask(bytes);
    expect(bytes.toString()).toBe(`x${secret}x`);
  });

  it('cuts the mask where the secret is shorter', () => {
    expect(vaultWith('a1b2c3d4').maskText('<a1b2c3d4>')).toBe(
      '<masked:1>'.replace('1', vaultWith().fingerprint('a1b2c3d4')[0] ?? ''),
    );
  });

  it.each([
    ['as it is', (value: string) => value],
    ['in a JSON string', (value: string) => JSON.stringify(value).slice(1, -1)],
    ['in JSON in a JSON string', (value: string) => JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1)],
    ['with escaped slashes', (value: string) => JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/')],
    ['percent-encoded', (value: string) => encodeURIComponent(value)],
    [
      'percent-encoded in lower case',
      (value: string) => encodeURIComponent(value).replace(/%../g, (hex) => hex.toLowerCase()),
    ],
    ['in base64', (value: string) => Buffer.from(value).toString('base64')],
    ['in base64 of a longer text', (value: string) => Buffer.from(`user:${value}`).toString('base64')],
    ['in base64url of a longer text', (value: string) => Buffer.from(`u:${value}!`).toString('base64url')],
  ])('finds a secret %s', (_, encode) => {
    for (const value of [secret, 'with "quotes" & \\ 1', 'p/a+s=s w0rd ünïcode']) {
      const vault = vaultWith(value);
      const text = `<<${encode(value)}>>`;
      const masked = vault.maskText(text);
      expect(masked, `with ${text}`).toContain(`masked:${vault.fingerprint(value)}`);
      expect(Buffer.byteLength(masked), `with ${text}`).toBe(Buffer.byteLength(text));
      // What is left of it at the ends of a base64 text is at most a few characters.
      const left = masked.replace(/masked:[0-9a-f]{8}\**/, '').replace(/[<>]/g, '');
      expect(left.length, `with ${text}`).toBeLessThanOrEqual(8);
    }
  });

  it('masks a secret that begins with another one as a whole', () => {
    const long = `${secret}-and-more-9`;
    for (const order of [
      [secret, long],
      [long, secret],
    ]) {
      const vault = vaultWith(...order);
      expect(vault.maskText(`${long} ${secret}`)).toBe(`${maskOf(vault, long)} ${maskOf(vault, secret)}`);
    }
  });

  it('masks secrets that overlap, and one that overlaps itself', () => {
    const vault = vaultWith('abcd1234efgh', '34efgh5678');
    expect(vault.maskText('--abcd1234efgh5678--')).toBe(`--${maskOf(vault, 'abcd1234efgh', 16)}--`);
    const repeating = vaultWith('a1b2c3a1b2c3a1');
    expect(repeating.maskText(`--${'a1b2c3'.repeat(4)}a1--`)).toBe(`--${maskOf(repeating, 'a1b2c3a1b2c3a1', 26)}--`);
  });

  it('leaves no byte of any secret, wherever random ones stand', () => {
    const random = seededRandom(41);
    for (let round = 0; round < 200; round += 1) {
      const values = Array.from({ length: 4 }, () =>
        Array.from({ length: randomInt(random, 8, 40) }, () => 'aB3/+"é-'[randomInt(random, 0, 7)] ?? '').join(''),
      );
      const vault = vaultWith(...values);
      const parts = values.flatMap((value) => [randomJsonText(round, 50), value, JSON.stringify(value)]);
      const masked = vault.maskText(parts.join(' '));
      expect(Buffer.byteLength(masked)).toBe(Buffer.byteLength(parts.join(' ')));
      for (const value of values) if (new Set(value).size >= 4) expect(masked).not.toContain(value);
    }
  });
});

describe('what is shaped like a credential', () => {
  it.each([jwt, apiKey, `${jwt}.part4.part5`])('is masked though it was never learnt: %s', (value) => {
    const vault = new Vault(key);
    for (const text of [`"${value}"`, `KEY=${value}\n`, `{"out":"x\\n${value}\\n"}`, `a%20${value}`]) {
      expect(vault.maskText(text)).toBe(text.replace(value, maskOf(vault, value)));
    }
    expect(vault.size).toBe(0);
  });

  it.each([
    'task-management-and-scheduling',
    'disk-usage-of-0123456789abcdef0123',
    'sk-short',
    'sk-folding-cube-loading-animation',
    'eyJhbGciOiJIUzI1NiJ9',
    'eyJhbGciOiJIUzI1NiJ9.only-two',
    'eyJ.a.b',
    'the key.of.it',
  ])('%j is not', (text) => expect(new Vault(key).maskText(`see ${text} here`)).toBe(`see ${text} here`));

  it.each([
    ['{"refresh_token":"VALUE"}'],
    ['{"refresh_token" : "VALUE", "expires_in": 3600}'],
    ['{\\"refreshToken\\":\\"VALUE\\"}'],
    ['grant_type=refresh_token&refresh_token=VALUE&client_id=app'],
    ['{\n  "access_token": "VALUE"\n}'],
  ])('is the value of a token field: %s', (template) => {
    const vault = new Vault(key);
    const value = 'rt_9f8e7d6c5b4a39281706';
    expect(vault.maskText(template.replace('VALUE', value))).toBe(template.replace('VALUE', maskOf(vault, value)));
    expect(vault.maskText(`elsewhere ${value}`)).toBe(`elsewhere ${maskOf(vault, value)}`);
  });

  it.each(['{"access_token":"string"}', '{"input_tokens":1234567890123456789}', '"refresh_token": null', 'id_token='])(
    '%j is none',
    (text) => expect(new Vault(key).maskText(text)).toBe(text),
  );

  it('is searched in linear time, also in text made to be slow', () => {
    const started = performance.now();
    const vault = new Vault(key);
    for (const piece of ['eyJ', 'eyJa.', 'sk-', 'access_token"', 'access_token":"', 'e', '\\', 'sk-a.']) {
      vault.mask(Buffer.alloc(1_000_000, piece));
    }
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('learning', () => {
  it.each([
    '',
    'short',
    '1234567',
    'anonymous',
    'undefined',
    'unused',
    '1795420637183',
    '2026-11-23T10:00:00Z',
    'aaaaaaaaaaaa',
  ])('ignores %j, which would blot out ordinary text', (value) => {
    const vault = vaultWith(value);
    expect(vault.size).toBe(0);
    expect(vault.maskText(`see ${value} here`)).toBe(`see ${value} here`);
  });

  it('knows each secret once', () => expect(vaultWith(secret, secret, `${secret}2`).size).toBe(2));

  it('forgets the secret seen longest ago when there are very many', () => {
    const vault = vaultWith(secret);
    for (let index = 0; index < 400; index += 1) {
      vault.learn(`cookie-value-${index}`);
      vault.learn(secret);
    }
    expect(vault.size).toBe(256);
    expect(vault.maskText(secret)).toBe(maskOf(vault, secret));
    expect(vault.maskText('cookie-value-399')).not.toContain('cookie');
    expect(vault.maskText('cookie-value-0 ')).toContain('cookie');
  });
});

describe('the fingerprint', () => {
  it('is stable for a key, and another one for another key', () => {
    expect(new Vault(key).fingerprint(secret)).toBe(new Vault(Buffer.from(key)).fingerprint(secret));
    expect(new Vault(key).fingerprint(secret)).toMatch(/^[0-9a-f]{8}$/);
    expect(new Vault(Buffer.alloc(32, 8)).fingerprint(secret)).not.toBe(new Vault(key).fingerprint(secret));
  });
});

describe('headers', () => {
  const mark = (vault: Vault, value: string): string => `masked:${vault.fingerprint(value)}`;

  it('keep their names, order, casing and schemes', () => {
    const vault = new Vault(key);
    expect(
      vault.maskHeaders([
        ['Host', 'chatgpt.com'],
        ['Authorization', `Bearer ${secret}`],
        ['x-api-key', apiKey],
        ['PROXY-Authorization', 'Basic dXNlcjpwYXNzdzByZA=='],
        ['accept', 'text/event-stream'],
      ]),
    ).toEqual([
      ['Host', 'chatgpt.com'],
      ['Authorization', `Bearer ${mark(vault, secret)}`],
      ['x-api-key', mark(vault, apiKey)],
      ['PROXY-Authorization', `Basic ${mark(vault, 'dXNlcjpwYXNzdzByZA==')}`],
      ['accept', 'text/event-stream'],
    ]);
  });

  it('teach the secrets that bodies are then masked for', () => {
    const vault = new Vault(key);
    vault.learnHeaders([
      ['authorization', `bearer ${secret}`],
      ['proxy-authorization', `Basic ${Buffer.from('dev:hunter-22-pass').toString('base64')}`],
      [
        'cookie',
        'theme=dark; __Secure-session=s%3Aq1W2e3R4t5Y6; lang=en-US; did=0199c0de-0001-7abc-8def-000000000001; b=Zm9vYjRy==',
      ],
      ['set-cookie', 'cf_bm=Ab12Cd34Ef56; Path=/some/where; HttpOnly'],
      ['openai-sentinel-token', 'gAAAAAB-71'],
    ]);
    const text = `${secret} hunter-22-pass s%3Aq1W2e3R4t5Y6 s:q1W2e3R4t5Y6 Ab12Cd34Ef56 gAAAAAB-71 Zm9vYjRy==`;
    expect(vault.maskText(text)).toMatch(/^((masked:[0-9a-f]+|masked:)\**( |$))+$/);
    const plain = 'a dark theme, en-US, /some/where, 0199c0de-0001-7abc-8def-000000000001';
    expect(vault.maskText(plain)).toBe(plain);
  });

  it('keep cookie names and attributes', () => {
    const vault = new Vault(key);
    expect(
      vault.maskHeaders([
        ['cookie', 'a=1; session="Q7w8E9r0T1"; empty='],
        ['set-cookie', 'id=a3fWa1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; Secure'],
      ]),
    ).toEqual([
      ['cookie', `a=${mark(vault, '1')}; session=${mark(vault, 'Q7w8E9r0T1')}; empty=`],
      ['set-cookie', `id=${mark(vault, 'a3fWa1')}; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; Secure`],
    ]);
  });

  it('that are no credentials stay as they are', () => {
    const plain = [
      ['session-id', '01a20768-c76b-7cd0-9915-cdb4444ec569'],
      ['x-codex-turn-metadata', '{"turn_id":"01a20768-c7f9"}'],
      ['x-codex-window-id', '01a20768:0'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['x-ratelimit-remaining-tokens', '149984'],
      ['anthropic-ratelimit-tokens-reset', '2026-11-23T10:00:00Z'],
      ['access-control-allow-headers', 'authorization, x-api-key'],
      ['x-request-id', 'req_0123456789abcdef'],
      ['etag', 'W/"0123456789abcdef"'],
      ['x-token-count', '17'],
    ] as const;
    const vault = new Vault(key);
    expect(vault.maskHeaders(plain)).toEqual(plain);
    expect(vault.size).toBe(0);
  });

  it('are masked where a secret known from another one turns up in them', () => {
    const vault = new Vault(key);
    const masked = vault.maskHeaders([
      ['x-debug', `token was ${secret}`],
      ['sec-websocket-protocol', `realtime, openai-insecure-api-key.${apiKey}`],
      ['location', `https://auth.example/cb?code=aB3dE5gH7jK9&state=xyz`],
      ['authorization', `Bearer ${secret}`],
    ]);
    expect(JSON.stringify(masked)).not.toContain(secret);
    expect(JSON.stringify(masked)).not.toContain(apiKey);
    expect(masked[2]).toEqual(['location', `https://auth.example/cb?code=${mark(vault, 'aB3dE5gH7jK9')}&state=xyz`]);
  });

  it('with a credential of an unknown form hide all of it but the scheme', () => {
    const vault = new Vault(key);
    const value = 'AWS4-HMAC-SHA256 Credential=AKIA/2026, SignedHeaders=host, Signature=fe5f80';
    const [masked] = vault.maskHeaders([['authorization', value]]);
    expect(masked?.[1]).toMatch(/^AWS4-HMAC-SHA256 masked:[0-9a-f]{8}$/);
    expect(vault.maskHeaders([['authorization', 'opaque-value-1']])[0]?.[1]).toBe(mark(vault, 'opaque-value-1'));
    expect(vault.maskHeaders([['x-api-key', 'two words-1234']])[0]?.[1]).toBe(mark(vault, 'two words-1234'));
  });
});

describe('a path', () => {
  it('keeps all but the values of token-like parameters, which are learnt', () => {
    const vault = new Vault(key);
    const masked = vault.maskPath('/v1/models?alt=sse&key=AIzaSyA-1234567&page=2#access_token=q1W2e3R4t5');
    expect(masked).toBe(
      `/v1/models?alt=sse&key=masked:${vault.fingerprint('AIzaSyA-1234567')}&page=2#access_token=masked:${vault.fingerprint('q1W2e3R4t5')}`,
    );
    expect(vault.maskText('q1W2e3R4t5')).not.toContain('q1W2');
    expect(vault.maskPath(masked)).toBe(masked);
  });

  it('is masked where a known secret is a part of it', () => {
    const vault = vaultWith(secret);
    expect(vault.maskPath(`/bot/${encodeURIComponent(secret)}/send`)).not.toContain(encodeURIComponent(secret));
  });

  it('stays as it is without secrets', () => {
    const path = '/backend-api/codex/responses?client_version=0.169.0&monkey=1';
    expect(new Vault(key).maskPath(path)).toBe(path);
    expect(new Vault(key).maskPath('/x?token=&key=%E0%A4%A')).toMatch(/^\/x\?token=&key=masked:/);
  });
});

it('masks a body of 1 MB with five secrets in a few milliseconds', () => {
  const vault = vaultWith(secret, jwt.repeat(3), apiKey, 'q1W2e3R4t5Y6u7I8', 's%3Aq1W2e3R4t5Y6/Ab12');
  const body = Buffer.from(`${randomJsonText(9, 1_000_000)}${secret}`);
  vault.mask(body);
  const started = performance.now();
  for (let round = 0; round < 10; round += 1) expect(vault.mask(body).count).toBe(1);
  // About 5 ms on the machine it was written on; the bound is for loaded ones.
  expect((performance.now() - started) / 10).toBeLessThan(60);
});
