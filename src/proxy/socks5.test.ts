import { describe, expect, it } from 'vitest';

import { connectRequest, greeting, login, readChoice, readConnected, readLogin } from './socks5.ts';

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;
const bytes = (text: string): Buffer => Buffer.from(text, 'hex');

describe('what is asked of a SOCKS 5 proxy', () => {
  it('offers a login only where there is one', () => {
    expect(hex(greeting(null))).toBe('050100');
    expect(hex(greeting({ username: 'me', password: 'pass' }))).toBe('05020002');
    expect(hex(login({ username: 'me', password: 'päss' }))).toBe('01026d650570c3a47373');
    expect(login({ username: 'me', password: 'x'.repeat(256) })).toBeNull();
  });

  it.each([
    ['10.0.0.1', 443, '050100010a00000101bb'],
    ['::1', 22, `05010004${'00'.repeat(15)}010016`],
    ['2001:db8::5:0:7', 443, '0501000420010db800000000000000050000000701bb'],
    ['fe80::1%eth0', 443, `05010004fe80${'00'.repeat(13)}0101bb`],
    ['::ffff:1.2.3.4', 443, '0501000400000000000000000000ffff0102030401bb'],
    ['chatgpt.com', 443, '050100030b636861746770742e636f6d01bb'],
  ])('connects to %s:%d', (host, port, expected) => {
    expect(hex(connectRequest(host, port))).toBe(expected);
  });

  it('has no room for a name of 256 bytes', () => {
    expect(connectRequest('x'.repeat(256), 443)).toBeNull();
  });
});

describe('what it answers', () => {
  it('is read once all of it is there, and not a byte further', () => {
    const answer = bytes('0500000304746573740050');
    for (let length = 0; length < answer.length; length += 1) {
      expect(readConnected(answer.subarray(0, length))).toBeNull();
    }
    expect(readConnected(Buffer.concat([answer, Buffer.from('SSH-2.0')]))).toEqual({ bytes: 11, value: null });
    expect(readConnected(bytes('050000017f0000010050'))).toEqual({ bytes: 10, value: null });
    expect(readConnected(bytes(`05000004${'00'.repeat(16)}0050`))).toEqual({ bytes: 22, value: null });
  });

  it.each([
    ['050300017f0000010050', 'ENETUNREACH'],
    ['050400017f0000010050', 'EHOSTUNREACH'],
    ['0505000000', 'ECONNREFUSED'],
    ['050600017f0000010050', 'ETIMEDOUT'],
    ['05ff00017f0000010050', 'E_UPSTREAM_PROXY'],
  ])('%s is a failure like that of a direct connection: %s', (answer, code) => {
    expect(readConnected(bytes(answer))).toMatchObject({ value: { code } });
  });

  it('is named where it is not what was asked for', () => {
    expect(readChoice(bytes('0500'), false)).toEqual({ bytes: 2, value: { wantsLogin: false } });
    expect(readChoice(bytes('0502'), true)).toEqual({ bytes: 2, value: { wantsLogin: true } });
    expect(readChoice(bytes('0502'), false)).toHaveProperty('problem');
    expect(readChoice(bytes('05ff'), true)).toHaveProperty('problem');
    expect(readChoice(Buffer.from('HTTP/1.1 400'), true)).toHaveProperty('problem');
    expect(readLogin(bytes('0101'))).toHaveProperty('problem');
    expect(readConnected(bytes('050000027f0000010050'))).toHaveProperty('problem');
    expect(readConnected(Buffer.from('HTTP/1.1 400'))).toHaveProperty('problem');
  });
});
