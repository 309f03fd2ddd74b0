// What a dump writes: wire events, and what is known to be missing between them.
import type { ConnectionEvent, RawHeaders, Stamp, WireEvent } from '../domain/index.ts';

export type BodySide = 'request' | 'response';

export type DumpEvent =
  | WireEvent
  | ConnectionEvent
  /** Bytes of a body that passed and are not at hand. */
  | (Stamp & {
      readonly type: 'bytesMissing';
      readonly exchangeId: string;
      readonly side: BodySide;
      readonly bytes: number;
      readonly why: string;
    })
  /** Whole events that are not at hand. */
  | (Stamp & { readonly type: 'eventsMissing'; readonly events: number; readonly why: string })
  /** Something to be said of an exchange, beside what passed. */
  | (Stamp & { readonly type: 'remark'; readonly exchangeId: string; readonly side: BodySide; readonly text: string });

/** Whose an exchange is, so that a packet leads to `tapes show`. */
export interface ExchangeLabel {
  readonly callId: string;
  readonly turnId: string | null;
}

export type LabelReader = (
  exchangeId: string,
  request: { readonly method: string; readonly path: string; readonly headers: RawHeaders },
) => ExchangeLabel | null;

/** What every dump says about where it comes from. */
export interface DumpOrigin {
  readonly version: string;
  readonly hostname: string;
  readonly os: string;
  readonly hardware: string;
  /** The command that ran, masked. */
  readonly command: string;
  readonly runId: string | null;
  /** Something to be said of all that is in it. */
  readonly note?: string;
}

/** Turns events into the bytes of one format. Not for two files at once: it remembers what it has written. */
export interface DumpWriter {
  /** The bytes that a file begins with; asked for again when the dump goes on in a new file. */
  start(): Uint8Array;
  /** What an event adds; may be nothing. Never throws for what came over the wire. */
  write(event: DumpEvent): Uint8Array | Promise<Uint8Array>;
  /** What closes a file: of a file that goes on, it is written over by what follows. */
  readonly tail: Uint8Array;
  /** Gives what goes before the tail when a file ends. `isLast`: the dump goes on in no other. */
  finish(isLast: boolean): Uint8Array | Promise<Uint8Array>;
}

export const noBytes = new Uint8Array(0);
