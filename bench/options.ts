// The command line of `npm run bench`.
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Figure } from './figures/figure.ts';
import type { Scale } from './figures/scale.ts';
import type { Peer } from './peers/peer.ts';

export interface BenchOptions {
  readonly figures: readonly Figure[];
  readonly peers: readonly Peer[];
  readonly scale: Scale;
  readonly isShort: boolean;
  readonly rounds: number;
  /** After it no peer has another turn; in the first round all have theirs. */
  readonly budgetMs: number;
  readonly out: string;
  readonly name: string;
}

interface Known {
  readonly figures: readonly Figure[];
  readonly peers: readonly Peer[];
}

export const usage = ({ figures, peers }: Known): string => `npm run bench -- [options]

  --figures a,b     only these: ${figures.map(({ name }) => name).join(', ')}
  --peers a,b       only these: ${peers.map(({ name }) => name).join(', ')}
  --rounds n        how often each peer has its turn (default: 3)
  --minutes n       after that no peer has another turn, beyond its first (default: 24)
  --short           just enough that all code has run: seconds, and figures that say nothing
  --name name       of the result files (default: latest, or short)
  --out folder      where they go (default: bench/results)
`;

/** A problem with no text: help was asked for. */
export function readOptions(
  args: readonly string[],
  known: Known & { readonly fullScale: Scale; readonly shortScale: Scale },
): BenchOptions | { readonly problem: string } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const settings = { figures: text, peers: text, rounds: text, minutes: text, name: text, out: text };
  try {
    const { values } = parseArgs({ args: [...args], options: { ...settings, short: flag, help: flag } });
    if (values.help) return { problem: '' };
    const scale = values.short ? known.shortScale : known.fullScale;
    return {
      figures: choose('figure', known.figures, values.figures),
      peers: choose('peer', known.peers, values.peers),
      scale,
      isShort: values.short,
      rounds: count('--rounds', values.rounds ?? String(scale.rounds)),
      budgetMs: count('--minutes', values.minutes ?? '24') * 60_000,
      out: values.out ?? join(import.meta.dirname, 'results'),
      name: values.name ?? (values.short ? 'short' : 'latest'),
    };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function choose<T extends { readonly name: string }>(kind: string, known: readonly T[], list: string | undefined): T[] {
  const names = list?.split(',') ?? known.map(({ name }) => name);
  const unknown = names.find((name) => !known.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`there is no ${kind} ${unknown}`);
  return known.filter(({ name }) => names.includes(name));
}

function count(option: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`${option} ${value} is not a number of them`);
  return Number(value);
}
