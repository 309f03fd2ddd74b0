// How much is measured: in full, or just enough that all code has run (`--short`).

export interface Scale {
  readonly rounds: number;
  /** Of a stream, after all have begun. */
  readonly streamMs: number;
  /** `row` is the number of streams that the row of the report is of; the short form opens fewer. */
  readonly delays: readonly { readonly row: number; readonly streams: number; readonly everyMs: number }[];
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly firstBytes: number;
  readonly agents: number;
  readonly agentEvents: number;
  readonly calls: number;
  readonly memoryStreams: number;
  readonly largeResponseBytes: number;
  readonly largeRequestBytes: number;
  /** Is each question about memory asked of a process of its own? */
  readonly isFresh: boolean;
  readonly slopeBlocks: number;
  readonly slopeBlockCalls: number;
  readonly starts: number;
  /** Runs of Codex before those that count: the first makes what its home needs. */
  readonly codexWarmUps: number;
  /** Longer than any peer's recorder lets things lie. */
  readonly settleMs: number;
  /** Requests before anything is measured at a peer: the first connection makes certificates, the first requests run code for the first time. */
  readonly warmUps: number;
  /** Then streams for so long, at the peer that is asked for most figures: what runs often is compiled meanwhile. */
  readonly warmStreamMs: number;
}

export const fullScale: Scale = {
  rounds: 3,
  streamMs: 2500,
  delays: [
    { row: 1, streams: 1, everyMs: 5 },
    { row: 20, streams: 20, everyMs: 20 },
    { row: 200, streams: 200, everyMs: 100 },
  ],
  warmUpMs: 500,
  measureMs: 2000,
  firstBytes: 200,
  agents: 200,
  agentEvents: 60,
  calls: 1000,
  memoryStreams: 200,
  largeResponseBytes: 400_000_000,
  largeRequestBytes: 32_000_000,
  isFresh: true,
  slopeBlocks: 20,
  slopeBlockCalls: 500,
  starts: 5,
  codexWarmUps: 1,
  settleMs: 500,
  warmUps: 50,
  warmStreamMs: 5000,
};

export const shortScale: Scale = {
  rounds: 1,
  streamMs: 100,
  delays: [
    { row: 1, streams: 1, everyMs: 10 },
    { row: 20, streams: 4, everyMs: 20 },
    { row: 200, streams: 8, everyMs: 20 },
  ],
  warmUpMs: 50,
  measureMs: 150,
  firstBytes: 3,
  agents: 8,
  agentEvents: 6,
  calls: 8,
  memoryStreams: 8,
  largeResponseBytes: 4_000_000,
  largeRequestBytes: 1_000_000,
  isFresh: false,
  slopeBlocks: 3,
  slopeBlockCalls: 8,
  starts: 1,
  codexWarmUps: 0,
  settleMs: 100,
  warmUps: 1,
  warmStreamMs: 50,
};
