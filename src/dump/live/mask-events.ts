// Masks the secrets in events, in their order, before anything of them is written. An exchange whose head must wait for its body keeps what
// follows behind it; everything else goes on at once.
import type { RequestHead, ResponseHead, UpstreamLeg } from '../../domain/index.ts';
import type { Vault } from '../../redact/index.ts';
import type { BodySide, DumpEvent } from '../dump-event.ts';
import type { MaskedChunk } from './chunk-queue.ts';
import { openBodyMasker, type BodyMasker } from './mask-body.ts';

type ExchangeEvent = Extract<DumpEvent, { readonly exchangeId: string }>;
type HeadEvent = Extract<DumpEvent, { readonly type: 'requestStarted' | 'responseStarted' }>;

interface Masking {
  readonly maskers: Record<BodySide, BodyMasker | null>;
  /** A head that waits for its body. */
  held: HeadEvent | null;
  /** What came for the other side meanwhile. */
  readonly behind: ExchangeEvent[];
  /** Holes in a body whose head waits: they are told behind it. */
  readonly gaps: ExchangeEvent[];
}

const givenUp =
  'it could not be masked under its content encoding (cut, or it decodes to too much): --dump-secrets keeps it';

export class EventMasker {
  readonly #vault: Vault;
  readonly #exchanges = new Map<string, Masking>();

  /** `vault` keeps lengths. */
  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** At once wherever that can be: most events are chunks of plain bodies. */
  apply(event: DumpEvent): DumpEvent[] | Promise<DumpEvent[]> {
    switch (event.type) {
      case 'eventsMissing':
      case 'connectionOpened':
      case 'connectionEnded':
      case 'tunnelOpened':
      case 'tunnelClosed':
      case 'tlsFailed':
        return [event];
      case 'upgradeRefused':
        return [{ ...event, request: this.#request(event.request) }];
      case 'socketOpened':
        return [
          {
            ...event,
            request: this.#request(event.request),
            response: this.#response(event.response),
            ...this.#upstream(event),
          },
        ];
      case 'socketMessage':
        return [{ ...event, data: this.#vault.mask(event.data).bytes }];
      case 'socketClosed':
        return [{ ...event, reason: this.#vault.maskText(event.reason) }];
      case 'requestStarted': {
        const request = this.#request(event.request);
        const masker = openBodyMasker(event.request.headers, this.#vault);
        const masking: Masking = {
          maskers: { request: masker, response: null },
          held: null,
          behind: [],
          gaps: [],
        };
        this.#exchanges.set(event.exchangeId, masking);
        const masked = { ...event, request };
        if (!masker.holdsHead) return [masked];
        masking.held = masked;
        return [];
      }
      default:
        return this.#exchangeEvent(event);
    }
  }

  #exchangeEvent(event: ExchangeEvent): DumpEvent[] | Promise<DumpEvent[]> {
    const masking = this.#exchanges.get(event.exchangeId);
    if (masking === undefined) {
      // Of an exchange whose beginning was not seen, nothing is known that could be masked by; it is not written.
      return event.type === 'remark' ? [event] : [];
    }
    // The answer has begun before the request is complete.
    const heldSide = masking.held === null ? null : masking.held.type === 'requestStarted' ? 'request' : 'response';
    if (heldSide === 'request' && sideOf(event) === 'response' && !isEnd(event)) {
      masking.behind.push(event);
      return [];
    }
    return this.#write(masking, event);
  }

  #write(masking: Masking, event: ExchangeEvent): DumpEvent[] | Promise<DumpEvent[]> {
    const { exchangeId } = event;
    switch (event.type) {
      case 'requestData':
      case 'responseData': {
        const masker = masking.maskers[event.type === 'requestData' ? 'request' : 'response'];
        if (masker === null) return [];
        const { type } = event;
        const toEvents = (chunks: readonly MaskedChunk[]): DumpEvent[] =>
          chunks.map(({ data, at, mono }) => ({ type, exchangeId, data, at, mono }));
        const pushed = masker.push(event);
        if (!(pushed instanceof Promise) && pushed[0] === event) return [event];
        if (!(pushed instanceof Promise)) return toEvents(pushed);
        return pushed.then(async (chunks) => {
          const head = masker.passesOn ? await this.#release(masking, sideOf(event)) : [];
          return [...head, ...toEvents(chunks)];
        });
      }
      case 'bytesMissing': {
        const { side } = event;
        const masker = masking.maskers[side];
        const rest = (masker?.miss() ?? []).map((chunk) => dataEvent(exchangeId, side, chunk));
        if (masker?.holdsHead !== true) return [...rest, event];
        masking.gaps.push(event);
        return [];
      }
      case 'requestEnded':
        return this.#settle(masking, event, 'request').then((settled) => [...settled, event]);
      case 'responseStarted': {
        const masked: HeadEvent = {
          ...event,
          response: this.#response(event.response),
          ...this.#upstream(event),
        };
        const masker = openBodyMasker(event.response.headers, this.#vault);
        masking.maskers.response = masker;
        if (!masker.holdsHead) return [masked];
        masking.held = masked;
        return [];
      }
      case 'responseEnded':
      case 'exchangeAborted':
        return this.#end(masking, event);
      case 'remark':
        return [event];
      default:
        return [event];
    }
  }

  async #end(
    masking: Masking,
    event: Extract<ExchangeEvent, { readonly type: 'responseEnded' | 'exchangeAborted' }>,
  ): Promise<DumpEvent[]> {
    const settled = await this.#settleAll(masking, event);
    this.#exchanges.delete(event.exchangeId);
    if (event.type === 'responseEnded') return [...settled, event];
    const error = event.error === null ? null : { ...event.error, message: this.#vault.maskText(event.error.message) };
    return [...settled, { ...event, error, ...this.#upstream(event) }];
  }

  /** The head of a body that is too large to wait for, and what waited behind it. */
  async #release(masking: Masking, side: BodySide): Promise<DumpEvent[]> {
    const { held } = masking;
    if (held === null || sideOf(held) !== side) return [];
    masking.held = null;
    const { exchangeId } = held;
    const text = `the ${side} is encoded again at its length, masked: it is too large to wait for its end`;
    const events: DumpEvent[] = [held, { ...stampOf(held), type: 'remark', exchangeId, side, text }];
    for (const later of side === 'request' ? masking.behind.splice(0) : []) {
      events.push(...(await this.#write(masking, later)));
    }
    return events;
  }

  async #settleAll(masking: Masking, event: ExchangeEvent): Promise<DumpEvent[]> {
    const request = await this.#settle(masking, event, 'request');
    return [...request, ...(await this.#settle(masking, event, 'response'))];
  }

  /** A side's body is over: gives its head, if that was held, and the rest of it. */
  async #settle(masking: Masking, event: ExchangeEvent, side: BodySide): Promise<DumpEvent[]> {
    const masker = masking.maskers[side];
    if (masker === null) return [];
    masking.maskers[side] = null;
    const end = await masker.end();
    const { held } = masking;
    const events: DumpEvent[] = [];
    const isHeld = held !== null && (held.type === 'requestStarted' ? 'request' : 'response') === side;
    if (isHeld) {
      masking.held = null;
      if (end.remark !== null)
        events.push({
          ...stampOf(held),
          type: 'remark',
          exchangeId: event.exchangeId,
          side,
          text: `the ${side} is ${end.remark}`,
        });
      // The remark stands behind the head, which makes the exchange known.
      events.unshift(held);
    } else if (end.remark !== null) {
      events.push({
        ...stampOf(event),
        type: 'remark',
        exchangeId: event.exchangeId,
        side,
        text: `the ${side} is ${end.remark}`,
      });
    }
    events.push(...end.chunks.map((chunk) => dataEvent(event.exchangeId, side, chunk)), ...masking.gaps.splice(0));
    if (masker.givenUpBytes > 0) {
      const { at, mono } = event;
      events.push({
        type: 'bytesMissing',
        exchangeId: event.exchangeId,
        side,
        bytes: masker.givenUpBytes,
        why: givenUp,
        at,
        mono,
      });
    }
    const behind = side === 'request' ? masking.behind.splice(0) : [];
    for (const later of behind) events.push(...(await this.#write(masking, later)));
    return events;
  }

  #request(request: RequestHead): RequestHead {
    const headers = this.#vault.maskHeaders(request.headers);
    return { ...request, headers, path: this.#vault.maskPath(request.path) };
  }

  #response(response: ResponseHead): ResponseHead {
    const headers = this.#vault.maskHeaders(response.headers);
    return { ...response, headers, reason: this.#vault.maskText(response.reason) };
  }

  #upstream({ upstream }: { readonly upstream?: UpstreamLeg }): { readonly upstream?: UpstreamLeg } {
    if (upstream === undefined) return {};
    const requestHeaders = upstream.requestHeaders === null ? null : this.#vault.maskHeaders(upstream.requestHeaders);
    const response = upstream.response === null ? null : this.#response(upstream.response);
    return { upstream: { ...upstream, requestHeaders, response } };
  }
}

const isEnd = ({ type }: ExchangeEvent): boolean => type === 'responseEnded' || type === 'exchangeAborted';
const stampOf = ({ at, mono }: DumpEvent): { at: number; mono: number } => ({ at, mono });

function sideOf(event: ExchangeEvent): BodySide {
  if (event.type === 'bytesMissing' || event.type === 'remark') return event.side;
  return event.type.startsWith('request') ? 'request' : 'response';
}

const dataEvent = (
  exchangeId: string,
  side: BodySide,
  { data, at, mono }: { data: Uint8Array; at: number; mono: number },
): DumpEvent => ({
  type: side === 'request' ? 'requestData' : 'responseData',
  exchangeId,
  data,
  at,
  mono,
});
