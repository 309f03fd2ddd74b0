// Random traffic as a live dump really gets it: with the openings and ends of connections, with holes, and with a secret in bodies, cut
// wherever the chunks are cut.
import type { ConnectionEvent, Endpoint, WireEvent } from '../../src/domain/index.ts';
import type { DumpEvent } from '../../src/dump/index.ts';
import { randomInt, seededRandom } from './chunks.ts';

type DataEvent = Extract<WireEvent, { readonly type: 'requestData' | 'responseData' | 'socketMessage' }>;

/** Changes nothing in `events`. */
export function disturbTraffic(seed: number, events: readonly WireEvent[], secret: string): DumpEvent[] {
  const random = seededRandom(seed + 1000);
  const secretive = new Set<string>();
  const copied = events.map((event) => ('data' in event ? { ...event, data: Uint8Array.from(event.data) } : event));
  for (const [key, chunks] of bodiesOf(copied)) {
    const bytes = chunks.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes < secret.length || random() < 0.3) continue;
    secretive.add(key.split(' ')[0]!);
    overwrite(chunks, randomInt(random, 0, bytes - secret.length), Buffer.from(secret));
  }
  const disturbed = copied.flatMap((event): DumpEvent[] => {
    const { at, mono } = event;
    if ((event.type === 'requestData' || event.type === 'responseData') && !secretive.has(event.exchangeId)) {
      const side = event.type === 'requestData' ? 'request' : 'response';
      const { exchangeId } = event;
      if (random() < 0.1)
        return [{ type: 'bytesMissing', exchangeId, side, bytes: event.data.length, why: 'lost', at, mono }];
    }
    if (random() < 0.02) return [{ type: 'eventsMissing', events: 3, why: 'lost', at, mono }, event];
    return [event];
  });
  return withConnections(random, disturbed);
}

/** Bodies and messages, by what they are of: only within one can a secret be cut. */
function bodiesOf(events: readonly WireEvent[]): Map<string, DataEvent[]> {
  const bodies = new Map<string, DataEvent[]>();
  for (const [at, event] of events.entries()) {
    if (!('data' in event)) continue;
    const key = event.type === 'socketMessage' ? `${event.exchangeId} ${at}` : `${event.exchangeId} ${event.type}`;
    bodies.set(key, [...(bodies.get(key) ?? []), event]);
  }
  return bodies;
}

function overwrite(chunks: readonly DataEvent[], from: number, bytes: Uint8Array): void {
  let start = 0;
  for (const { data } of chunks) {
    for (let at = 0; at < data.length; at += 1) {
      const byte = bytes[start + at - from];
      if (byte !== undefined) data[at] = byte;
    }
    start += data.length;
  }
}

function withConnections(random: () => number, events: readonly DumpEvent[]): DumpEvent[] {
  const result: DumpEvent[] = [...events];
  const clients = new Map<string, Endpoint>();
  for (const event of events) {
    if ('request' in event && event.request.client !== null) {
      const { client } = event.request;
      clients.set(`${client.address} ${client.port}`, client);
    }
  }
  for (const client of clients.values()) {
    const isIts = (event: DumpEvent): boolean =>
      'request' in event &&
      event.request.client?.port === client.port &&
      event.request.client.address === client.address;
    const ids = new Set(result.flatMap((event) => (isIts(event) && 'exchangeId' in event ? [event.exchangeId] : [])));
    const first = result.findIndex(isIts);
    const { at, mono } = result[first]!;
    const ends = { leg: 'agent', client, server: null } as const;
    const opened: ConnectionEvent = {
      type: 'connectionOpened',
      ...ends,
      host: 'chatgpt.com',
      port: 443,
      at: at - 1,
      mono: mono - 1,
    };
    result.splice(first, 0, opened);
    const last = result.findLastIndex((event) => 'exchangeId' in event && ids.has(event.exchangeId));
    const [by, isReset] = [random() < 0.5 ? 'client' : 'server', random() < 0.3] as const;
    const over = result[last]!;
    result.splice(last + 1, 0, { type: 'connectionEnded', ...ends, by, isReset, at: over.at, mono: over.mono });
  }
  return result;
}
