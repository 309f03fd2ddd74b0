import { expect, it } from 'vitest';

import { readArgumentSecrets } from './known-secrets.ts';

const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';

it.each([
  [['curl', '-H', `Authorization: Bearer ${secret}`]],
  [['curl', '-H', `authorization:${secret}`]],
  [['curl', '-H', `x-api-key: ${secret}`]],
  [['curl', '-H', `Cookie: theme=dark; sid=${secret}`]],
  [['agent', '--api-key', secret]],
  [['agent', '-token', secret, 'go']],
  [['agent', `--access_token=${secret}`]],
  [['env', `OPENAI_API_KEY=${secret}`, 'agent']],
])('%j names a credential', (argv) => {
  expect(readArgumentSecrets(argv)).toContain(secret);
});

it.each([
  [['agent', '--say', secret]],
  [['agent', '--api-key', '--verbose']],
  [['agent', '--api-key-file', '/home/dev/keys/openai']],
  [['agent', '--token=short']],
  [['curl', '-H', 'accept: application/json']],
  [['git', 'commit', '-m', 'mend: the parser of tokens']],
  [['agent']],
])('%j does not', (argv) => {
  expect(readArgumentSecrets(argv)).toEqual([]);
});
