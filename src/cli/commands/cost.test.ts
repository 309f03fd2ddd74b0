// What sessions and turns cost, as `sessions` and `show` tell it, by the published prices and by the user's own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { recordScript } from '../../../test/support/record-script.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { plainAnswer } from '../../../test/support/wire-script.ts';

let home: string;

/** Two turns with 100 tokens in (40 of them cached) and 12 out each, of which the second used a model that nobody knows. */
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tapes-cost-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const renamed = plainAnswer('Yes.', 'resp_2').map(
    (event) => JSON.parse(JSON.stringify(event).replaceAll('gpt-6.1-sol', String.raw`gpt-99-\u001b[31mnova`)) as object,
  );
  await recordScript(
    (script) =>
      script
        .call('c1', { turn: 'turn-1' })
        .answer('c1', plainAnswer('No.'))
        .wait(10)
        .call('c2', { turn: 'turn-2', prompt: 'and now?' })
        .answer('c2', renamed),
    { dbFile: join(home, 'tapes.db') },
  );
});

interface Priced {
  readonly costUsd: number | null;
  readonly unpricedModels?: string[];
}

async function readCosts(): Promise<{ session: Priced; turns: Priced[] }> {
  const { stdout } = await runCommand('show', '--json', '--home', home);
  const shown = JSON.parse(stdout) as { session: Priced; threads: { turns: Priced[] }[] };
  const only = ({ costUsd, unpricedModels }: Priced): Priced => ({
    costUsd,
    ...(unpricedModels && { unpricedModels }),
  });
  return { session: only(shown.session), turns: shown.threads[0]!.turns.map(only) };
}

test('a part that is known is not passed off as the whole', async () => {
  const nova = { costUsd: null, unpricedModels: ['gpt-99-\u001b[31mnova'] };
  expect(await readCosts()).toEqual({ session: nova, turns: [{ costUsd: 0.000244 }, nova] });
  expect((await runCommand('show', '--home', home)).stdout).toContain(' · no price for gpt-99-nova · ');
});

test("the user's prices.json gives a price to what has none, and takes the place of what has", async () => {
  const price = { input: 10_000, cachedInput: 5000, output: 100_000 };
  await writeFile(join(home, 'prices.json'), JSON.stringify({ 'gpt-99-\u001b[31mnova': price, 'gpt-6.1-sol': price }));

  expect(await readCosts()).toEqual({ session: { costUsd: 4 }, turns: [{ costUsd: 2 }, { costUsd: 2 }] });
  expect((await runCommand('show', '--home', home)).stdout).toContain(' · $4.00 · ');
});

test('a malformed prices.json is an error that says where', async () => {
  await writeFile(join(home, 'prices.json'), '{"gpt-6.1-sol": {"input": 2, "output": 10}}');
  const { error } = await runCommand('sessions', '--home', home);

  expect(error).toMatchObject({
    code: 'E_PRICES_INVALID',
    exitCode: 1,
    message: `${join(home, 'prices.json')} is malformed: "gpt-6.1-sol" needs "cachedInput", a number of US dollars per million tokens`,
    hint: expect.stringContaining('{"gpt-6.1-sol": {"input": 2') as string,
  });
});
