import { expect, it } from 'vitest';

import { isPublicSuffix } from './public-suffix.ts';

it.each(['co.uk', 'com.au', 'github.io', 'vercel.app', 'azurewebsites.net', 's3.amazonaws.com', 'xn--p1ai'])(
  '%s is anybody’s',
  async (domain) => {
    expect(await isPublicSuffix(domain)).toBe(true);
  },
);

// Wildcards (*.ck), exceptions (www.ck), what is below, and names that no list has.
it.each([
  'example.co.uk',
  'me.github.io',
  'openai.azure.com',
  'www.ck',
  'localhost',
  'llm.internal',
  'a_b.example.com',
])('%s is somebody’s', async (domain) => {
  expect(await isPublicSuffix(domain)).toBe(false);
});
