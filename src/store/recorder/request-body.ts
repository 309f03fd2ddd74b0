// A request body as it comes in: kept up to a cap, hashed whole, decoded and masked once it is complete.
import { createHash } from 'node:crypto';

import type { RequestReading } from '../../derive/index.ts';
import { BytePile } from '../../domain/index.ts';
import type { Vault } from '../../redact/index.ts';
import { decodeBody } from '../../wire/index.ts';
import type { BodyRow } from '../rows.ts';
import type { RequestMemory } from './request-memory.ts';
import type { RequestStorage } from './request-storage.ts';

const keepLimitBytes = 64 * 1024 * 1024;

export interface SettledBody {
  readonly row: BodyRow;
  /** The items that the row needs: to be put with it. */
  readonly putItems: () => void;
  /** Of the body decoded and masked: what everything else is derived from. */
  readonly reading: RequestReading;
}

export interface SettleContext {
  readonly vault: Vault;
  readonly requests: RequestStorage;
  readonly requestMemory: RequestMemory;
}

export class RequestBody {
  readonly #callId: string;
  readonly #keepLimitBytes: number;
  readonly #hash = createHash('sha256');
  readonly #kept = new BytePile();
  #wireBytes = 0;
  #lostBytes = 0;

  constructor(callId: string, limitBytes = keepLimitBytes) {
    this.#callId = callId;
    this.#keepLimitBytes = limitBytes;
  }

  push(data: Uint8Array): void {
    this.#wireBytes += data.length;
    this.#hash.update(data);
    const kept = data.subarray(0, this.#keepLimitBytes - this.#kept.length);
    if (kept.length > 0) this.#kept.push(kept);
  }

  /** These bytes passed and never reached us. */
  lose(bytes: number): void {
    this.#lostBytes += bytes;
    this.#wireBytes += bytes;
  }

  /** What came so far, as a body. Call once. `conversation`: for the memory. */
  async settle(contentEncoding: string | null, conversation: string, context: SettleContext): Promise<SettledBody> {
    const { vault, requests, requestMemory } = context;
    const wire = this.#kept.take();
    const decoded = await decodeBody(wire, contentEncoding, { maxBytes: keepLimitBytes });
    const isWhole = wire.length === this.#wireBytes;
    // Of a body that gives nothing when it is decoded, the bytes are kept as they came.
    const kept = decoded.problem !== null && decoded.bytes.length === 0 ? wire : decoded.bytes;
    const keptSha256 = sha256(kept);
    const masked = vault.mask(kept);
    const problems = [
      this.#lostBytes > 0 ? `${this.#lostBytes} bytes were not recorded: too much was waiting to be written` : null,
      !isWhole && this.#lostBytes === 0 ? `the first ${wire.length} of ${this.#wireBytes} bytes are kept` : null,
      decoded.problem === null ? null : `${decoded.problem.encoding}: ${decoded.problem.message}`,
    ].filter((problem) => problem !== null);
    const read = requestMemory.read(conversation, masked.bytes);
    const stored = await requests.store(this.#callId, read);
    const row: BodyRow = {
      call_id: this.#callId,
      side: 'request',
      content_encoding: contentEncoding,
      wire_bytes: this.#wireBytes,
      wire_sha256: this.#lostBytes > 0 ? null : this.#hash.digest('hex'),
      decoded_bytes: kept.length,
      decoded_sha256: isWhole && decoded.problem === null ? keptSha256 : null,
      stored_bytes: masked.bytes.length,
      stored_sha256: masked.bytes === kept ? keptSha256 : sha256(masked.bytes),
      masked: masked.count,
      problem: problems.length === 0 ? null : vault.maskText(problems.join('; ')),
      ...stored.columns,
    };
    return { row, putItems: stored.put, reading: read.reading };
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
