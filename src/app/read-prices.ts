// What costs are told by: the published prices, and the user's own over them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makePriceList, readPriceFile } from '../derive/index.ts';
import type { PriceList } from '../derive/index.ts';
import { TapesError } from '../errors.ts';

/** Reads `prices.json` in the home, if there is one. Throws E_PRICES_INVALID. */
export async function readPrices(home: string): Promise<PriceList> {
  const file = join(home, 'prices.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return makePriceList();
    throw invalid(file, `cannot be read: ${(cause as Error).message}`, cause);
  }
  const { prices, problem } = readPriceFile(text);
  if (problem !== null) throw invalid(file, `is malformed: ${problem}`);
  return makePriceList(prices);
}

function invalid(file: string, why: string, cause?: unknown): TapesError {
  return new TapesError('E_PRICES_INVALID', `${file} ${why}`, {
    hint: 'write it as {"gpt-6.1-sol": {"input": 2, "cachedInput": 0.1, "output": 10}}, or move it away',
    cause,
  });
}
