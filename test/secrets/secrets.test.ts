// No secret is in anything that tapes writes, or the table of docs/secrets.md says that it is. Each row of the table is planted in a real run with all outputs
// on, and every byte that was written anywhere is searched for each of them, in every form. A second run, with `--dump-secrets`, shows that the search finds.
import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { places } from './places.ts';
import { runWithSecrets, type SecretRun } from './run.ts';
import { findSecret, findWhole } from './search.ts';

const named = places.map((row, at) => [`${row.way}: ${row.place}`, at, row] as const);

describe('in a run with every output', () => {
  let run: SecretRun;
  beforeAll(async () => {
    run = await runWithSecrets(false);
  }, 240_000);
  afterAll(() => run?.close());

  it('went as it should', () => {
    expect(run.result.exitCode, `says ${run.result.stderr}`).toBe(0);
    const names = run.haystacks.map(([name]) => name);
    for (const part of ['tapes.db', 'live.pcapng', 'live.har', 'live.txt', 'keys-SECRET.log', 'out.jsonl', 'a body', 'tail']) {
      expect(names.filter((name) => name.includes(part))).not.toEqual([]);
    }
    expect(run.result.stderr).toContain('masked:');
  }); // prettier-ignore

  it.each(named.filter(([, , row]) => row.isMasked))('%s: is nowhere', (_, at) => {
    expect(findSecret(run.haystacks, run.rows[at]!.secret)).toEqual([]);
  });

  it.each(named.filter(([, , row]) => !row.isMasked))('%s: is found, as the table says', (_, at) => {
    expect(findSecret(run.haystacks, run.rows[at]!.secret)).not.toEqual([]);
  });

  it.each(named.filter(([, , row]) => row.isInPieces))('%s: is nowhere as a whole', (_, at) => {
    expect(findWhole(run.haystacks, run.rows[at]!.secret)).toEqual([]);
  });

  it('has the password of its own proxy nowhere', () => {
    expect(run.proxyPassword.length).toBeGreaterThan(30);
    expect(findSecret(run.haystacks, run.proxyPassword)).toEqual([]);
  });
});

describe('with --dump-secrets', () => {
  let run: SecretRun;
  beforeAll(async () => {
    run = await runWithSecrets(true);
  }, 240_000);
  afterAll(() => run?.close());

  it.each(named.filter(([, , row]) => row.isIn !== 'nothing'))('%s: is found in a dump', (_, at) => {
    const found = findSecret(run.dumps, run.rows[at]!.secret);
    // What only the command line holds is in what dumps say of the run.
    expect(found).not.toEqual([]);
  });

  it.each(named.filter(([, , row]) => row.isMasked))('%s: is not in the database', (_, at) => {
    const database = run.haystacks.filter(([name]) => /tapes\.db|^table|^an item|^a body|^words/.test(name));
    expect(database.length).toBeGreaterThan(20);
    expect(findSecret(database, run.rows[at]!.secret)).toEqual([]);
  });
});

it('docs/secrets.md has this table, row by row', () => {
  const lines = readFileSync(new URL('../../docs/secrets.md', import.meta.url), 'utf8').split('\n');
  const ways = { request: 'request', answer: 'answer', run: 'run' } as const;
  const wanted = places.map(({ place, way, masked }) => `| ${place} | ${ways[way]} | ${masked} |`);
  expect(lines.filter((line) => /^\| .* \| (request|answer|run) \| /.test(line))).toEqual(wanted);
});
