// A body that is kept whole, cut again where its chunks were, each with its time. Where there is more of it than the chunks say (it had to be compressed
// again, and has become longer), the rest goes with the last.
import type { ChunkTimes } from '../store/index.ts';

export interface TimedPiece {
  readonly atMs: number | null;
  readonly data: Uint8Array;
}

export async function* cutChunks(
  pieces: AsyncIterable<{ readonly data: Uint8Array }>,
  chunks: ChunkTimes['chunks'],
): AsyncGenerator<TimedPiece> {
  let place = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (): TimedPiece => {
    const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const { atMs } = chunks[Math.min(place, chunks.length - 1)]!;
    [parts, bytes] = [[], 0];
    place += 1;
    return { atMs, data };
  };
  for await (const { data } of pieces) {
    let rest = data;
    while (rest.length > 0) {
      const wanted = place < chunks.length - 1 ? chunks[place]!.bytes - bytes : rest.length;
      const part = rest.subarray(0, wanted);
      rest = rest.subarray(part.length);
      parts.push(part);
      bytes += part.length;
      if (place < chunks.length - 1 && bytes === chunks[place]!.bytes) yield take();
    }
  }
  if (bytes > 0) yield take();
}
