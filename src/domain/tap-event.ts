// What a tap below TLS sees: connections of both legs with their bytes as they are on the wire, and the keys that open them. For dumps of
// ciphertext only; nothing of it can be masked.
import type { Endpoint, Stamp } from './wire-event.ts';

export type TapEvent = Stamp &
  (
    | {
        readonly type: 'tapOpened';
        readonly tapId: string;
        readonly leg: 'agent' | 'provider';
        readonly host: string;
        /** Who opened the connection, and whom it reached. Null: not known. */
        readonly client: Endpoint | null;
        readonly server: Endpoint | null;
      }
    | {
        readonly type: 'tapData';
        readonly tapId: string;
        readonly from: 'client' | 'server';
        readonly data: Uint8Array;
      }
    | {
        readonly type: 'tapClosed';
        readonly tapId: string;
        readonly by: 'client' | 'server';
        readonly isReset: boolean;
      }
    /** A line of an NSS key log, without its end. */
    | { readonly type: 'tapKeys'; readonly line: string }
  );
