// What of an exchange's heads was other on the provider's side, told by the agent's: how many header fields to take over (a number above 0), how
// many to leave out (below 0), and which to put in. What is behind the last of them is taken over. Most exchanges have nothing of it.
import type { RawHeaders, ResponseHead } from '../domain/index.ts';

type Edits = readonly (number | readonly [string, string])[];

interface ProviderHeads {
  readonly request?: Edits;
  readonly response?: Edits;
  readonly status?: number;
  readonly reason?: string;
}

export interface Heads {
  readonly request: RawHeaders | null;
  readonly response: ResponseHead | null;
}

/** JSON; null where nothing is other, or nothing is known. All of it masked. */
export function tellProviderHeads(agent: Heads, provider: Heads): string | null {
  const request = editsOf(agent.request, provider.request);
  const response = editsOf(agent.response?.headers ?? null, provider.response?.headers ?? null);
  const { status, reason } = provider.response ?? {};
  const heads: ProviderHeads = {
    ...(request === null ? {} : { request }),
    ...(response === null ? {} : { response }),
    ...(agent.response === null || status === undefined || status === agent.response.status ? {} : { status }),
    ...(agent.response === null || reason === undefined || reason === agent.response.reason ? {} : { reason }),
  };
  return Object.keys(heads).length === 0 ? null : JSON.stringify(heads);
}

/** The heads as they passed there. */
export function readProviderHeads(agent: Heads, json: string | null): Heads {
  const heads = json === null ? {} : (JSON.parse(json) as ProviderHeads);
  const { response } = agent;
  return {
    request: applyEdits(agent.request, heads.request),
    response:
      response === null
        ? null
        : {
            status: heads.status ?? response.status,
            reason: heads.reason ?? response.reason,
            headers: applyEdits(response.headers, heads.response) ?? [],
          },
  };
}

function editsOf(from: RawHeaders | null, to: RawHeaders | null): Edits | null {
  if (from === null || to === null) return null;
  const edits: (number | readonly [string, string])[] = [];
  let [place, taken] = [0, 0];
  const takeOver = (): void => {
    if (taken > 0) edits.push(taken);
    taken = 0;
  };
  for (const [name, value] of to) {
    const found = from.findIndex((pair, at) => at >= place && pair[0] === name && pair[1] === value);
    if (found === -1) {
      takeOver();
      edits.push([name, value]);
    } else {
      if (found > place) {
        takeOver();
        edits.push(place - found);
      }
      place = found + 1;
      taken += 1;
    }
  }
  if (place < from.length) {
    takeOver();
    edits.push(place - from.length);
  }
  return edits.length === 0 ? null : edits;
}

function applyEdits(headers: RawHeaders | null, edits: Edits = []): RawHeaders | null {
  if (headers === null) return null;
  const result: (readonly [string, string])[] = [];
  let place = 0;
  for (const edit of edits) {
    if (typeof edit !== 'number') {
      result.push(edit);
      continue;
    }
    if (edit > 0) result.push(...headers.slice(place, place + edit));
    place += Math.abs(edit);
  }
  return [...result, ...headers.slice(place)];
}
