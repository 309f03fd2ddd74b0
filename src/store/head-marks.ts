// The lengths behind the marks of an exchange's heads, as its row keeps them: by path and list of headers, without those that have none. The
// provider's side is kept where it is other than the agent's.
import type { HeaderMarkLengths, MarkLengths } from '../redact/index.ts';

export interface HeadMarks {
  readonly path: MarkLengths;
  readonly request: HeaderMarkLengths;
  readonly response: HeaderMarkLengths;
  readonly providerRequest: HeaderMarkLengths;
  readonly providerResponse: HeaderMarkLengths;
}

type Kept = Partial<HeadMarks>;

/** JSON. */
export function tellHeadMarks(marks: HeadMarks): string {
  const { path, request, response, providerRequest, providerResponse } = marks;
  const kept: Kept = {
    ...(path.length === 0 ? {} : { path }),
    ...(isSame(request, {}) ? {} : { request }),
    ...(isSame(response, {}) ? {} : { response }),
    ...(isSame(providerRequest, request) ? {} : { providerRequest }),
    ...(isSame(providerResponse, response) ? {} : { providerResponse }),
  };
  return JSON.stringify(kept);
}

/** Null: an earlier tapes recorded it. */
export function readHeadMarks(json: string | null): HeadMarks {
  const { path = [], request = {}, response = {}, ...kept } = (json === null ? {} : JSON.parse(json)) as Kept;
  const { providerRequest = request, providerResponse = response } = kept;
  return { path, request, response, providerRequest, providerResponse };
}

const isSame = (a: HeaderMarkLengths, b: HeaderMarkLengths): boolean => JSON.stringify(a) === JSON.stringify(b);
