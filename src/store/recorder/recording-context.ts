// What every recording of a run shares.
import type { RawHeaders } from '../../domain/index.ts';
import type { Vault } from '../../redact/index.ts';
import type { Connection } from '../connection.ts';
import type { SharedHeaders } from '../header-parts.ts';
import type { Connections } from './connections.ts';
import type { DerivationContext } from './call-derivation.ts';
import type { RequestMemory } from './request-memory.ts';
import type { RequestStorage } from './request-storage.ts';
import type { Tally } from './tally.ts';
import type { Writer } from './writer.ts';

export interface RecordingContext extends DerivationContext {
  readonly vault: Vault;
  readonly connection: Connection;
  readonly writer: Writer;
  readonly requests: RequestStorage;
  readonly requestMemory: RequestMemory;
  readonly headers: SharedHeaders;
  readonly connections: Connections;
  readonly tally: Tally;
  /** Counts up: what came before what, where clocks say the same. */
  readonly nextOrder: () => number;
}

/** All values of a header, joined as HTTP joins them; null where it is absent. */
export function readHeader(headers: RawHeaders, name: string): string | null {
  const values = headers.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}

/** What `isoTime` leaves out. */
export const microsecondsOf = (at: number): number => Math.floor((at - Math.floor(at)) * 1000);

export const isoTime = (at: number): string => new Date(at).toISOString();
