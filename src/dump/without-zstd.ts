// Takes zstd off bodies on their way into a pcapng file: Wireshark 4.0 does not know it, shows and exports nothing of such a body, and warns
// of each. What the head then no longer says of its body is kept in it under other names, and the body comes in chunks, because its
// length is not known yet.
import type { RawHeaders, UpstreamLeg } from '../domain/index.ts';
import { openBodyDecoder, type BodyDecoder } from '../wire/index.ts';
import type { BodySide, DumpEvent, DumpWriter } from './dump-event.ts';
import { decodedHeaders, readHeader } from './http/framing.ts';

const sides = ['request', 'response'] as const;

/** The same writer, given bodies without zstd. */
export function withoutZstd(writer: DumpWriter): DumpWriter {
  const decoding = new BodyDecoding();
  return {
    tail: writer.tail,
    start: () => writer.start(),
    finish: (isLast) => writer.finish(isLast),
    write(event) {
      return decoding.isOf(event) ? decoding.write(event, writer) : writer.write(event);
    },
  };
}

class BodyDecoding {
  readonly #decoders: Record<BodySide, Map<string, BodyDecoder>> = { request: new Map(), response: new Map() };
  /** Exchanges whose request says something else now than it did. */
  readonly #changed = new Set<string>();

  /** Is there anything to be done with it? */
  isOf(event: DumpEvent): boolean {
    switch (event.type) {
      case 'requestStarted':
        return isZstd(event.request.headers);
      case 'responseStarted':
        return this.#changed.has(event.exchangeId) || isZstd(event.response.headers);
      // Most events are pieces of answers that are in no zstd, behind requests that are.
      case 'requestData':
        return this.#decoders.request.has(event.exchangeId);
      case 'responseData':
        return this.#decoders.response.has(event.exchangeId);
      default:
        return (
          'exchangeId' in event &&
          (this.#changed.has(event.exchangeId) || this.#decoders.response.has(event.exchangeId))
        );
    }
  }

  async write(event: DumpEvent, writer: DumpWriter): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (const decoded of await this.#apply(event)) parts.push(await writer.write(decoded));
    return Buffer.concat(parts);
  }

  /** The events to be written instead. */
  async #apply(event: DumpEvent): Promise<DumpEvent[]> {
    switch (event.type) {
      case 'requestStarted': {
        const { request, exchangeId } = event;
        if (!this.#begin(exchangeId, 'request', request.headers)) return [event];
        this.#changed.add(exchangeId);
        return [{ ...event, request: { ...request, headers: decodedHeaders(request.headers) } }];
      }
      case 'responseStarted': {
        const { response } = event;
        const isDecoded = this.#begin(event.exchangeId, 'response', response.headers);
        const headers = isDecoded ? decodedHeaders(response.headers) : response.headers;
        return [{ ...event, response: { ...response, headers }, ...this.#upstream(event, isDecoded) }];
      }
      case 'requestData':
      case 'responseData': {
        const decoder = this.#decoders[event.type === 'requestData' ? 'request' : 'response'].get(event.exchangeId);
        if (decoder === undefined) return [event];
        const data = await decoder.push(event.data);
        return data.length === 0 ? [] : [{ ...event, data }];
      }
      case 'requestEnded':
        return [...(await this.#end(event, 'request')), event];
      case 'responseEnded':
      case 'exchangeAborted': {
        const rest: DumpEvent[] = [];
        for (const side of sides) rest.push(...(await this.#end(event, side)));
        const told = event.type === 'exchangeAborted' ? { ...event, ...this.#upstream(event, false) } : event;
        this.#changed.delete(event.exchangeId);
        return [...rest, told];
      }
      default:
        return [event];
    }
  }

  #upstream(
    { exchangeId, upstream }: { readonly exchangeId: string; readonly upstream?: UpstreamLeg },
    isAnswerDecoded: boolean,
  ): { readonly upstream?: UpstreamLeg } {
    if (upstream === undefined) return {};
    const { requestHeaders, response } = upstream;
    return {
      upstream: {
        ...upstream,
        requestHeaders:
          requestHeaders !== null && this.#changed.has(exchangeId) ? decodedHeaders(requestHeaders) : requestHeaders,
        response:
          response !== null && isAnswerDecoded ? { ...response, headers: decodedHeaders(response.headers) } : response,
      },
    };
  }

  #begin(exchangeId: string, side: BodySide, headers: RawHeaders): boolean {
    if (!isZstd(headers)) return false;
    this.#decoders[side].set(exchangeId, openBodyDecoder(readHeader(headers, 'content-encoding')));
    return true;
  }

  async #end(event: Extract<DumpEvent, { exchangeId: string }>, side: BodySide): Promise<DumpEvent[]> {
    const { exchangeId, at, mono } = event;
    const decoder = this.#decoders[side].get(exchangeId);
    if (decoder === undefined) return [];
    this.#decoders[side].delete(exchangeId);
    const { bytes: data, problem } = await decoder.end();
    const said: DumpEvent[] =
      problem === null
        ? []
        : [{ type: 'remark', exchangeId, side, text: `${problem.encoding}: ${problem.message}`, at, mono }];
    if (data.length === 0) return said;
    return [...said, { type: side === 'request' ? 'requestData' : 'responseData', exchangeId, data, at, mono }];
  }
}

const isZstd = (headers: RawHeaders): boolean => /\bzstd\b/i.test(readHeader(headers, 'content-encoding') ?? '');
