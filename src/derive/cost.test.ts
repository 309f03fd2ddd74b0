import { describe, expect, it } from 'vitest';

import type { Usage } from '../domain/index.ts';
import { noUsage } from '../domain/index.ts';
import { findPrice, makePriceList, sumCosts } from './cost.ts';
import { readPriceFile } from './price-file.ts';
import { publishedPrices } from './prices.ts';

const usage = (inputTokens: number, cachedInputTokens: number, outputTokens: number): Usage => ({
  ...noUsage,
  inputTokens,
  cachedInputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

const own = makePriceList([
  { model: 'mine', inputUsd: 2, cachedInputUsd: 0.5, outputUsd: 8, source: 'x', dated: '2026-01-01' },
]);
const call = (model: string | null, used: Usage, startedAt = '2026-11-23T12:00:00.000Z') => ({
  model,
  startedAt,
  callInputTokens: used.inputTokens,
  usage: used,
});

describe('a cost', () => {
  it('prices cached input apart, and counts it once', () => {
    expect(sumCosts(own, [call('mine', usage(1_000_000, 400_000, 100_000))])).toEqual({
      costUsd: 0.6 * 2 + 0.4 * 0.5 + 0.1 * 8,
      knownCostUsd: 2.2,
      unpricedModels: [],
    });
  });

  it('is not known where a model has no price, and says which and what is known', () => {
    const sum = sumCosts(own, [
      call('mine', usage(1_000_000, 0, 0)),
      call('other', usage(1, 0, 1)),
      call(null, usage(1, 0, 1)),
    ]);
    expect(sum).toEqual({ costUsd: null, knownCostUsd: 2, unpricedModels: ['other', 'unknown'] });
  });

  it('is not known where nothing was reported', () => {
    expect(sumCosts(own, [])).toEqual({ costUsd: null, knownCostUsd: 0, unpricedModels: [] });
  });

  it('is nothing where nothing was used, whatever the model: prewarms', () => {
    expect(sumCosts(own, [call('other', noUsage)])).toMatchObject({ costUsd: 0, unpricedModels: [] });
  });
});

describe('a price', () => {
  const find = (model: string, startedAt = '2026-11-23T00:00:00.000Z', callInputTokens = 1000) =>
    findPrice(makePriceList(), { model, startedAt, callInputTokens });

  it('is found by the exact name, else by the name without its date, and by nothing else', () => {
    expect(find('gpt-5.5')?.model).toBe('gpt-5.5');
    expect(find('gpt-5.5-2026-04-23')?.model).toBe('gpt-5.5');
    for (const name of ['gpt-5.5-2026', 'gpt-5.5-mini', 'GPT-5.5', 'openai/gpt-5.5', 'gpt-5', '']) {
      expect(find(name)).toBeNull();
    }
  });

  it('is the one of the day and of the size of the input', () => {
    expect(find('gpt-5.6-luna', '2026-07-29T23:59:59.999Z')?.inputUsd).toBe(1);
    expect(find('gpt-5.6-luna', '2026-07-30T00:00:00.000Z')?.inputUsd).toBe(0.2);
    expect(find('gpt-6.1-sol', '2026-11-01', 272_000)?.inputUsd).toBe(2);
    expect(find('gpt-6.1-sol', '2026-11-01', 272_001)?.inputUsd).toBe(4);
    expect(find('gpt-6.1-sol', '2026-09-28')).toBeNull();
    expect(find('gpt-5.5', '2026-11-01', 272_001)).toBeNull();
  });
});

describe('the published prices', () => {
  it('each name a source and a day', () => {
    for (const price of publishedPrices) {
      expect(price.source).toMatch(/^https:\/\//);
      expect(price.dated).toMatch(/^20\d\d-\d\d-\d\d$/);
    }
  });

  it('never hold twice for one call', () => {
    const list = makePriceList();
    for (const model of list.rows.keys()) {
      for (const startedAt of ['2026-06-05', '2026-07-29', '2026-07-30', '2026-08-21', '2026-11-23']) {
        for (const size of [1, 272_000, 272_001]) {
          const rows = list.rows
            .get(model)!
            .filter(
              (row) =>
                findPrice({ ...list, rows: new Map([[model, [row]]]) }, { model, startedAt, callInputTokens: size }) !==
                null,
            );
          expect(rows.length, `${model} ${startedAt} ${size}`).toBeLessThan(2);
        }
      }
    }
  });
});

describe("a user's price file", () => {
  it('takes the place of a published model, whole', () => {
    const { prices, problem } = readPriceFile('{"gpt-5.6-luna": {"input": 3, "cachedInput": 0, "output": 9}}');
    const list = makePriceList(prices);
    expect(problem).toBeNull();
    expect(
      findPrice(list, { model: 'gpt-5.6-luna', startedAt: '2026-07-10', callInputTokens: 500_000 })?.inputUsd,
    ).toBe(3);
  });

  it('may have a list for times and sizes', () => {
    const { prices } = readPriceFile(
      '{"m": [{"input": 1, "cachedInput": 0.1, "output": 5, "until": "2026-10-31"}, {"input": 2, "cachedInput": 0.2, "output": 6, "from": "2026-11-01", "upToInputTokens": 10}]}',
    );
    const list = makePriceList(prices);
    const find = (startedAt: string, callInputTokens: number) =>
      findPrice(list, { model: 'm', startedAt, callInputTokens })?.inputUsd;
    expect([find('2026-10-31', 99), find('2026-11-01', 10), find('2026-11-01', 11)]).toEqual([1, 2, undefined]);
    expect(list.thresholds).toEqual([10, 272_000]);
  });

  it.each([
    ['{', 'it is no JSON'],
    ['[]', 'it is not an object of models'],
    ['{"m": 3}', '"m" is not an object'],
    ['{"m": {"input": 1, "output": 2}}', '"m" needs "cachedInput"'],
    ['{"m": {"input": "1", "cachedInput": 1, "output": 2}}', '"m" needs "input"'],
    ['{"m": {"input": -1, "cachedInput": 1, "output": 2}}', '"m" needs "input"'],
    ['{"m": [{"input": 1, "cachedInput": 1, "output": 2, "from": "today"}]}', '"m"[0] has a "from"'],
    ['{"m": {"input": 1, "cachedInput": 1, "output": 2, "cached": 1}}', '"m" has "cached"'],
  ])('%s: %s', (text, problem) => {
    expect(readPriceFile(text).problem).toContain(problem);
    expect(readPriceFile(text).prices).toEqual([]);
  });
});
