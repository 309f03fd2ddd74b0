// The first difference between two observations, as a person reads it: where it is, and what each way had there.
import type { End, Observation } from './both-ways.ts';

const around = 60;

export function findDifference(direct: Observation, tapes: Observation): string | null {
  const sides: (readonly [string, End | undefined, End | undefined])[] = [
    ['the client', direct.client, tapes.client],
    ...Array.from(
      { length: Math.max(direct.upstream.length, tapes.upstream.length) },
      (_, at) => [`the provider, connection ${at + 1}`, direct.upstream[at], tapes.upstream[at]] as const,
    ),
  ];
  for (const [who, alone, through] of sides) {
    if (alone === undefined || through === undefined)
      return `${who}: only ${alone === undefined ? 'through tapes' : 'direct'}`;
    const at = firstDifference(alone.received, through.received);
    if (at !== null) {
      return `${who} received at byte ${at}\n  direct: ${excerpt(alone.received, at)}\n  tapes:  ${excerpt(through.received, at)}`;
    }
    if (alone.ending !== through.ending) {
      return `${who} saw the connection\n  direct: ${alone.ending}\n  tapes:  ${through.ending}`;
    }
  }
  return null;
}

function firstDifference(a: string, b: string): number | null {
  if (a === b) return null;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

function excerpt(text: string, at: number): string {
  return JSON.stringify(text.slice(Math.max(0, at - around), at + around));
}
