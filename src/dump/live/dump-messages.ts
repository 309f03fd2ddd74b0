// What is said between whoever dumps and the thread that writes.
import type { PackedData } from '../../domain/index.ts';
import type { DumpReport, LiveEvent } from './dump-pipeline.ts';

/** Pieces of bodies that follow each other. */
export interface PackedEvents {
  readonly type: 'packed';
  readonly data: PackedData;
}

export type ToDumpThread =
  | { readonly type: 'events'; readonly events: readonly (LiveEvent | PackedEvents)[] }
  | { readonly type: 'secrets'; readonly values: readonly string[] }
  | { readonly type: 'close'; readonly dropped: number };

export type FromDumpThread =
  | { readonly type: 'handled'; readonly bytes: number }
  /** A file ends early; each time with all that do. */
  | { readonly type: 'problems'; readonly problems: readonly string[] }
  | { readonly type: 'closed'; readonly report: DumpReport };

const eventBytes = 256;

/** About what an event takes in memory while it waits. */
export function sizeOfDumpEvent(event: LiveEvent): number {
  if ('data' in event) return eventBytes + event.data.length;
  if ('request' in event) return eventBytes + event.request.path.length + sizeOfHeaders(event.request.headers);
  if ('response' in event) return eventBytes + sizeOfHeaders(event.response.headers);
  return eventBytes;
}

const sizeOfHeaders = (headers: readonly (readonly [string, string])[]): number =>
  headers.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
