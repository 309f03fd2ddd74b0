// Messages under permessage-deflate (RFC 7692), one after the other, each within a bound. What was said before is what the next message may refer to: its
// last 32 KiB are all that is kept between two.
import { promisify } from 'node:util';
import { constants, inflateRaw, inflateRawSync } from 'node:zlib';

import { maxMessageBytes } from './websocket-frames.ts';

const inflateAside = promisify(inflateRaw) as (data: Buffer, options: object) => Promise<Buffer>;
const windowBytes = 32 * 1024;
/** Less work than handing it to another thread; at the most 4 MB come of it. */
const smallBytes = 4 * 1024;
/** What a sender leaves out at the end of each message (section 7.2.1). */
const tail = Buffer.of(0, 0, 0xff, 0xff);

/** What the two sides agreed on, by the answer to the upgrade. */
export interface Extensions {
  readonly mayCompress: boolean;
  /** An extension that is not known may change what frames mean. */
  readonly isUnknown: boolean;
  /** Each message of this side stands for itself. */
  readonly startsAnew: { readonly agent: boolean; readonly upstream: boolean };
}

export function readExtensions(values: readonly string[]): Extensions {
  const offers = values.flatMap((value) => value.split(',')).map((offer) => offer.trim().toLowerCase());
  const names = offers.map((offer) => offer.split(';', 1)[0]!.trim()).filter((name) => name !== '');
  const said = offers.join(';');
  return {
    mayCompress: names.includes('permessage-deflate'),
    isUnknown: names.some((name) => name !== 'permessage-deflate'),
    startsAnew: {
      agent: said.includes('client_no_context_takeover'),
      upstream: said.includes('server_no_context_takeover'),
    },
  };
}

export class WebSocketInflater {
  readonly #startsAnew: boolean;
  #window: Buffer = Buffer.alloc(0);
  #isBroken = false;

  constructor(startsAnew: boolean) {
    this.#startsAnew = startsAnew;
  }

  /** What was said before is not known any more: nothing later can be read, unless each message stands for itself. */
  skip(): void {
    this.#isBroken ||= !this.#startsAnew;
  }

  /** Null: it is damaged, refers to what is not known, or comes to more than 32 MiB. A small one is inflated at once. */
  inflate(data: Buffer): Buffer | null | Promise<Buffer | null> {
    if (this.#isBroken) return null;
    const whole = Buffer.concat([data, tail]);
    const options = {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxMessageBytes,
      ...(this.#window.length === 0 ? {} : { dictionary: this.#window }),
    };
    if (data.length > smallBytes) {
      return inflateAside(whole, options).then(
        (plain) => this.#keep(plain),
        () => this.#fail(),
      );
    }
    try {
      return this.#keep(inflateRawSync(whole, options));
    } catch {
      return this.#fail();
    }
  }

  #keep(plain: Buffer): Buffer {
    if (this.#startsAnew) return plain;
    const kept = plain.length >= windowBytes ? plain : Buffer.concat([this.#window, plain]);
    this.#window = Buffer.from(kept.subarray(-windowBytes));
    return plain;
  }

  #fail(): null {
    this.skip();
    return null;
  }
}
