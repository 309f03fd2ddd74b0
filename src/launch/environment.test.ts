import { expect, it } from 'vitest';

import { buildChildEnvironment } from './environment.ts';

const build = (environment: Record<string, string | undefined>): Record<string, string> =>
  buildChildEnvironment({
    environment,
    proxyUrl: 'http://tapes:x@127.0.0.1:1',
    caVariables: ['CODEX_CA_CERTIFICATE'],
    certificateFile: '/home/dev/.tapes/ca/root.pem',
    trimNoProxy: (list) => list.replace(/,?chatgpt\.com/, ''),
  });

it("the child has all that the user's environment had, the way through the door, and the root", () => {
  expect(build({ PATH: '/bin', GONE: undefined })).toEqual({
    PATH: '/bin',
    HTTPS_PROXY: 'http://tapes:x@127.0.0.1:1',
    https_proxy: 'http://tapes:x@127.0.0.1:1',
    CODEX_CA_CERTIFICATE: '/home/dev/.tapes/ca/root.pem',
  });
});

it('never touches SSL_CERT_FILE or plain HTTP, which belong to the tools that the agent runs', () => {
  const child = build({ SSL_CERT_FILE: '/etc/own.pem', HTTP_PROXY: 'http://own:1' });
  expect(child).toMatchObject({ SSL_CERT_FILE: '/etc/own.pem', HTTP_PROXY: 'http://own:1' });
});

it('trims both spellings of NO_PROXY and drops a list that is then empty', () => {
  const child = build({ NO_PROXY: 'localhost,chatgpt.com', no_proxy: 'chatgpt.com' });
  expect(child['NO_PROXY']).toBe('localhost');
  expect(child).not.toHaveProperty('no_proxy');
});
