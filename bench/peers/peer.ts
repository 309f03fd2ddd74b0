// What a peer is to the harness: something that can be looked for, started, reached by a client, and stopped.
import type { Way } from '../traffic/way.ts';
import type { Pin } from './pin.ts';

export interface Surroundings {
  /** A folder of the peer's own, which stays from one start to the next. */
  readonly folder: string;
  /** Where the provider really is, on 127.0.0.1, and the root that its certificate is signed by. */
  readonly upstreamPort: number;
  readonly upstreamRootFile: string;
  readonly pin: Pin;
}

export interface RunningPeer {
  readonly way: Way;
  /** Its process, and the root of its process tree; null where there is none. */
  readonly pid: number | null;
  /** Ends it as a user would. Settles with what was wrong meanwhile, for the report: empty where nothing was. */
  stop(): Promise<readonly string[]>;
}

export type Presence = { readonly version: string } | { readonly absent: string };

export interface Peer {
  readonly name: string;
  /** What it does here, in a few words. */
  readonly label: string;
  look(): Presence | Promise<Presence>;
  start(surroundings: Surroundings): Promise<RunningPeer>;
}
