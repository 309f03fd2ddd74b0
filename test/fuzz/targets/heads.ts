// What comes first on a connection, read before anything is trusted: a CONNECT request, and a ClientHello.
import { readClientRandom } from '../../../src/dump/tls/client-random.ts';
import { TlsCapture } from '../../../src/dump/tls/tls-capture.ts';
import { readConnectRequest } from '../../../src/proxy/connect-request.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';

export const connectHead: FuzzTarget = {
  name: 'connect-request',
  samples: [
    'CONNECT chatgpt.com:443 HTTP/1.1\r\nHost: chatgpt.com:443\r\nProxy-Authorization: Basic dGFwZXM6eA==\r\n\r\nrest',
    'CONNECT [::1]:8443 HTTP/1.0\r\n\r\n\x16\x03\x01',
    'GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nX: 1\r\nproxy-authorization:\r\n\r\nCONNECT b:2 HTTP/1.1\r\n\r\n',
  ].map((text) => Buffer.from(text, 'latin1')),
  words: ['\r\n', '\r\n\r\n', '\n', ' ', '\t', ':', '\0', '%0d%0a', '@', '[', ']:', 'HTTP/1.1', '\x1b[2J', 'é'],
  longest: 200,
  check(fuzzed) {
    const whole = readConnectRequest(fuzzed.input);
    let told = Buffer.alloc(0);
    for (const chunk of cutCase(fuzzed)) {
      told = Buffer.concat([told, chunk]);
      const reading = readConnectRequest(told);
      if (reading.type === 'incomplete') continue;
      // What is told of a beginning is what is told of all of it: a tunnel's bytes change nothing.
      mustEqual(reading, whole, 'more bytes made it another request');
      break;
    }
    if (whole.type !== 'connect') return;
    const { host, port, headBytes, proxyAuthorization } = whole.request;
    must(/^[\x21-\x7e]+$/.test(host) && !/[/@]/.test(host), 'a host that is none');
    must(Number.isInteger(port) && port > 0 && port < 65_536, 'a port that is none');
    must(fuzzed.input.indexOf('\r\n\r\n') + 4 === headBytes, 'the head ends elsewhere');
    must(proxyAuthorization === null || !/[\r\n]/.test(proxyAuthorization), 'a credential of several lines');
  },
};

const random = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const hello = Buffer.from(`16030100ca010000c60303${random}20${'ab'.repeat(32)}0002130101000000`, 'hex');
const endpoint = { address: '127.0.0.1', port: 4000 };

export const clientHello: FuzzTarget = {
  name: 'client-hello',
  samples: [
    hello,
    Buffer.concat([hello, hello]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('16030200050100000100', 'hex'),
  ],
  longest: 120,
  check(fuzzed) {
    const { input, seed } = fuzzed;
    const said = readClientRandom(input);
    must(said === null || said === '' || /^[0-9a-f]{64}$/.test(said), 'a random that is none');
    let told: Buffer = Buffer.alloc(0);
    const capture = new TlsCapture({ version: '1', hostname: 'h', os: 'o', hardware: 'x', command: 'c', runId: null });
    const at = { at: 1, mono: 1 };
    const tapId = 'tap1';
    capture.write({ type: 'tapOpened', tapId, leg: 'agent', host: 'x', client: endpoint, server: endpoint, ...at });
    let early: string | null = null;
    for (const data of cutCase(fuzzed)) {
      told = Buffer.concat([told, data]);
      early ??= readClientRandom(told);
      capture.write({ type: 'tapData', tapId, from: seed % 5 === 0 ? 'server' : 'client', data, ...at });
      if (seed % 3 === 0) capture.write({ type: 'tapKeys', line: input.toString('latin1'), ...at });
    }
    capture.write({ type: 'tapData', tapId, from: 'server', data: input, ...at });
    capture.write({ type: 'tapClosed', tapId, by: 'client', isReset: seed % 2 === 0, ...at } as never);
    capture.finish();
    mustEqual(early, said, 'cut, another random is read');
  },
};
