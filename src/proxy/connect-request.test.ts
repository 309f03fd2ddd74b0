import { describe, expect, it } from 'vitest';

import { formatAuthority, readAuthority, readConnectRequest } from './connect-request.ts';

const head = 'CONNECT ChatGPT.com:443 HTTP/1.1\r\nHost: chatgpt.com:443\r\nproxy-authorization:  Basic abc=\r\n\r\n';

describe('readConnectRequest', () => {
  it('reads host, port, credentials and where the head ends', () => {
    const reading = readConnectRequest(Buffer.from(`${head}\x16\x03\x01`));
    expect(reading).toEqual({
      type: 'connect',
      request: { host: 'chatgpt.com', port: 443, proxyAuthorization: 'Basic abc=', headBytes: head.length },
    });
  });

  it('waits for more at every byte before the end', () => {
    for (let length = 0; length < head.length; length++) {
      expect(readConnectRequest(Buffer.from(head.slice(0, length)))).toEqual({ type: 'incomplete' });
    }
  });

  it('refuses at once what can never become a request line', () => {
    expect(readConnectRequest(Buffer.from([0x16, 0x03, 0x01]))).toMatchObject({ type: 'refused', status: 400 });
  });

  it("refuses a web page's request to the proxy's own port", () => {
    const page = 'GET / HTTP/1.1\r\nHost: rebound.example\r\nOrigin: http://rebound.example\r\n\r\n';
    expect(readConnectRequest(Buffer.from(page))).toMatchObject({ type: 'refused', status: 405 });
  });

  it('refuses a head that has no end within 64 KiB', () => {
    const endless = Buffer.from(`CONNECT a:1 HTTP/1.1\r\nx: ${'y'.repeat(70_000)}`);
    expect(readConnectRequest(endless)).toMatchObject({ type: 'refused', status: 431 });
  });

  it.each([
    'CONNECT chatgpt.com HTTP/1.1',
    'CONNECT :443 HTTP/1.1',
    'CONNECT a:0 HTTP/1.1',
    'CONNECT a:99999 HTTP/1.1',
    'CONNECT a:443',
    'CONNECT a:443 HTTP/2',
  ])('refuses %j', (line) => {
    expect(readConnectRequest(Buffer.from(`${line}\r\n\r\n`))).toMatchObject({ type: 'refused', status: 400 });
  });
});

describe('readAuthority', () => {
  it('reads names, IPv4 and bracketed IPv6, and formatAuthority writes them back', () => {
    for (const text of ['chatgpt.com:443', '127.0.0.1:8080', '[::1]:443']) {
      const authority = readAuthority(text)!;
      expect(formatAuthority(authority.host, authority.port)).toBe(text);
    }
    expect(readAuthority('[::1]:443')).toEqual({ host: '::1', port: 443 });
  });

  it('refuses user information and bare IPv6', () => {
    expect(readAuthority('user@host:443')).toBeNull();
    expect(readAuthority('::1:443')).toBeNull();
  });
});
