// What a hostile provider and a hostile agent say over a WebSocket, as bytes that are made as they are sent.
import { constants, deflateRawSync } from 'node:zlib';

import { frame, message } from '../support/websocket-frames.ts';

export interface HostileSocket {
  readonly name: string;
  readonly from: 'agent' | 'upstream';
  readonly isCompressed: boolean;
  readonly chunks: () => Iterable<Buffer>;
  /** What the run says at its end; null: that nothing is missing. */
  readonly says: RegExp | null;
  /** The process may have this much in memory at the most, all that it had before included. */
  readonly boundMegabytes: number;
}

const mask = Buffer.from('37fa213d', 'hex');
const megabyte = 1024 * 1024;

/** A gigabyte of zeros: each megabyte of them is the same kilobyte, said a thousand times in one stream. */
function bomb(): Buffer {
  const options = { finishFlush: constants.Z_FULL_FLUSH, level: 9 };
  const piece = deflateRawSync(Buffer.alloc(16 * megabyte), options);
  return Buffer.concat(Array<Buffer>(64).fill(piece)).subarray(0, -4);
}

function* repeated(bytes: Buffer, times: number): Iterable<Buffer> {
  const many = Buffer.concat(Array<Buffer>(1000).fill(bytes));
  for (let left = times / 1000; left > 0; left -= 1) yield many;
}

function* endless(megabytes: number, key: Buffer | undefined): Iterable<Buffer> {
  const masked = key === undefined ? {} : { mask: key };
  const payload = Buffer.alloc(64 * 1024, 'a');
  yield frame({ opcode: 2, payload, isLast: false, ...masked });
  const part = frame({ opcode: 0, payload, isLast: false, ...masked });
  for (let left = megabytes * 16 - 2; left > 0; left -= 1) yield part;
  yield frame({ opcode: 0, payload, ...masked });
}

function* noise(megabytes: number): Iterable<Buffer> {
  const part = Buffer.alloc(64 * 1024, 0xb7);
  for (let left = megabytes * 16; left > 0; left -= 1) yield part;
}

const standing = 250;
const sides = [['agent', mask] as const, ['upstream', undefined] as const];

/** Of each from either side. */
export function hostileSockets(scale: number): HostileSocket[] {
  return sides.flatMap(([from, key]): HostileSocket[] => {
    const masked = key === undefined ? {} : { mask: key };
    return [
      {
        name: 'a million pings',
        from,
        isCompressed: false,
        chunks: () => repeated(frame({ opcode: 9, payload: 'x', ...masked }), 1_000_000),
        says: null,
        boundMegabytes: standing + 100,
      },
      {
        name: `${64 * scale} MB that are no frames`,
        from,
        isCompressed: false,
        chunks: () => noise(64 * scale),
        says: /cannot be read as WebSocket frames/,
        boundMegabytes: standing + 150,
      },
      {
        name: `one message of ${64 * scale} MB in fragments`,
        from,
        isCompressed: false,
        chunks: () => endless(64 * scale, key),
        says: /a message is longer than 33554432 bytes/,
        boundMegabytes: standing + 200,
      },
      {
        name: 'a message of 1 MB that inflates to 1 GB',
        from,
        isCompressed: true,
        chunks: () => [message(bomb(), { isCompressed: true, isBinary: true, ...masked })],
        says: /could not be inflated/,
        boundMegabytes: standing + 250,
      },
      {
        name: 'two thousand messages that inflate to 16 MB each',
        from,
        isCompressed: true,
        chunks: () => repeated(message(deflateRawSync(Buffer.alloc(16 * megabyte), { finishFlush: constants.Z_SYNC_FLUSH, level: 9 }).subarray(0, -4), { isCompressed: true, isBinary: true, ...masked }), 2_000), // prettier-ignore
        // More than can be inflated, or can wait: something is left out, and told.
        says: /part of a WebSocket was not recorded: (too much was waiting|there was no time left)/,
        boundMegabytes: standing + 450,
      },
      {
        name: 'a hundred thousand messages of one byte',
        from,
        isCompressed: false,
        chunks: () => repeated(message('x', masked), 100_000),
        says: null,
        boundMegabytes: standing + 450,
      },
    ];
  });
}
