// What a figure is to the harness: rows of the report, and how their values are measured at one peer in one round.
import type { Peer, RunningPeer } from '../peers/peer.ts';
import type { Traffic } from '../traffic/programs.ts';
import type { Scale } from './scale.ts';

/** A target of the row for tapes while it records. All limits of a row must hold. */
export type Limit =
  | { readonly type: 'atMost'; readonly value: number }
  | { readonly type: 'atMostOf'; readonly peer: string; readonly factor: number }
  | { readonly type: 'atLeastOf'; readonly peer: string; readonly factor: number }
  /** Below every peer that decrypts. */
  | { readonly type: 'belowEvery'; readonly peers: readonly string[] };

export interface Row {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  readonly better: 'lower' | 'higher';
  /** What counts is how much it is more than without a proxy, in the same round. */
  readonly isAdded?: boolean;
  readonly limits?: readonly Limit[];
  /** Has a panel in the plot. */
  readonly isPlotted?: boolean;
}

/** By the keys of the rows. What cannot be measured on this machine is left out. */
export type Values = Readonly<Record<string, number>>;

export interface Stage {
  readonly peer: Peer;
  readonly traffic: Traffic;
  readonly scale: Scale;
  /** The peer as it runs in this round, warm. */
  readonly running: RunningPeer;
  /** The same peer, started for this question alone; it is ended by the harness. */
  startFresh(): Promise<RunningPeer>;
}

export interface Figure {
  readonly name: string;
  readonly rows: readonly Row[];
  /** At which peers it is measured; absent: at all. */
  readonly peers?: readonly string[];
  /** False: what it starts runs where the system puts it, as for a user. */
  readonly isPinned?: false;
  /** In how many rounds at the most. */
  readonly rounds?: number;
  measure(stage: Stage): Promise<Values>;
}
