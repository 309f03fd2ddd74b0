// Ciphertext as it was on the wire, with the keys in the same file: real TLS records in TCP conversations, and before each ServerHello the
// secrets that open it, because Wireshark takes them only from there. What a server says waits until its keys have come.
import type { Endpoint, Stamp, TapEvent } from '../../domain/index.ts';
import type { DumpOrigin } from '../dump-event.ts';
import { BlockPile } from '../pcapng/block-pile.ts';
import { decryptionSecrets, interfaceDescription, nameResolution, sectionHeader } from '../pcapng/blocks.ts';
import { TcpConversation } from '../pcapng/conversation.ts';
import { PacketClock } from '../pcapng/packet-clock.ts';
import { loopbackOf, Places } from '../pcapng/places.ts';
import { readAddress } from '../pcapng/segment.ts';
import { readClientRandom } from './client-random.ts';

export type CaptureEvent =
  | TapEvent
  /** Bytes that passed and are not at hand. */
  | (Stamp & {
      readonly type: 'tapMissing';
      readonly tapId: string;
      readonly from: 'client' | 'server';
      readonly bytes: number;
    });

type ConnectionEvent = Extract<CaptureEvent, { readonly tapId: string }>;

interface Connection {
  readonly conversation: TcpConversation;
  start: Buffer;
  /** '' before it is known, or where there is none. */
  random: string;
  /** What waits for the keys; null before the server has said anything, and after they have come. */
  held: ConnectionEvent[] | null;
  heldBytes: number;
  heldSince: number;
  isReleased: boolean;
}

interface Keys {
  readonly lines: string[];
  readonly labels: Set<string>;
}

const tlsPort = 443;
const maxHeldBytes = 1024 * 1024;
const maxHeldMs = 5000;
const maxKeys = 4096;
const tls13 = [
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'SERVER_TRAFFIC_SECRET_0',
];

export class TlsCapture {
  readonly #origin: DumpOrigin;
  readonly #places = new Places();
  readonly #clock = new PacketClock();
  readonly #blocks = new BlockPile();
  readonly #connections = new Map<string, Connection>();
  readonly #byRandom = new Map<string, Connection>();
  readonly #keys = new Map<string, Keys>();
  #begun = 0;
  #last: Stamp = { at: 0, mono: 0 };

  constructor(origin: DumpOrigin) {
    this.#origin = origin;
  }

  start(): Uint8Array {
    const { hardware, os, version, command, hostname, runId } = this.#origin;
    return Buffer.concat([
      sectionHeader({
        hardware,
        os,
        application: `tapes ${version}`,
        comment: `SECRET: holds the keys of its connections, and so the login. ${command} on ${hostname}, run ${runId ?? ''}. TLS records are real, TCP is made up, servers are on port 443`,
      }),
      interfaceDescription({ name: 'agent', description: 'between the agent and tapes' }),
      interfaceDescription({ name: 'provider', description: 'between tapes and the provider' }),
    ]);
  }

  write(event: CaptureEvent): Uint8Array {
    this.#last = { at: event.at, mono: event.mono };
    if (event.type === 'tapOpened') this.#open(event);
    else if (event.type === 'tapKeys') this.#learn(event.line);
    else this.#say(event);
    this.#releaseOverdue(event.mono);
    return this.#blocks.take();
  }

  finish(): Uint8Array {
    for (const connection of this.#connections.values()) {
      this.#release(connection);
      connection.conversation.end('server', this.#clock.time(this.#last), ['the file ends here, not the connection']);
    }
    return this.#blocks.take();
  }

  #open(event: Extract<TapEvent, { type: 'tapOpened' }>): void {
    const { leg, host } = event;
    const seen = addressOf(leg === 'agent' ? event.client : event.server);
    const { address, isNew } =
      leg === 'provider'
        ? this.#places.host(host, seen)
        : { address: seen === null ? loopback : loopbackOf(seen), isNew: false };
    if (isNew) this.#blocks.put(nameResolution([{ address, name: host }]));
    const server = { address, port: tlsPort };
    const clientAddress = addressOf(event.client);
    const client =
      event.client !== null && clientAddress?.length === address.length
        ? { address: clientAddress, port: event.client.port }
        : this.#places.freeClient(address.length === 4 ? undefined : address);
    const conversation = new TcpConversation({
      interfaceId: leg === 'agent' ? 0 : 1,
      client,
      server,
      initialSequence: Math.imul(++this.#begun, 0x9e37_79b1) >>> 0,
      blocks: this.#blocks,
    });
    const port = event.server === null ? '' : `, port ${event.server.port}`;
    const comment =
      leg === 'agent'
        ? `the agent's connection for ${host}, through tapes${port}`
        : `the connection of tapes to ${host}${port}`;
    conversation.open(this.#clock.time(event), [comment]);
    this.#connections.set(event.tapId, {
      conversation,
      start: Buffer.alloc(0),
      random: '',
      held: null,
      heldBytes: 0,
      heldSince: 0,
      isReleased: false,
    });
  }

  #say(event: ConnectionEvent): void {
    const connection = this.#connections.get(event.tapId);
    if (connection === undefined) return;
    if (event.type === 'tapData' && event.from === 'client') this.#readHello(connection, event.data);
    const isServers = event.type !== 'tapClosed' && event.type !== 'tapOpened' && event.from === 'server';
    if (!connection.isReleased && connection.held === null && isServers) {
      connection.held = [];
      connection.heldSince = event.mono;
    }
    if (connection.held === null) this.#put(connection, event);
    else {
      connection.held.push(event);
      connection.heldBytes += event.type === 'tapData' ? event.data.length : 0;
      const isEnough = this.#hasKeys(connection) || connection.random === '';
      if (isEnough || connection.heldBytes > maxHeldBytes || event.type === 'tapClosed') this.#release(connection);
    }
    if (event.type !== 'tapClosed') return;
    this.#connections.delete(event.tapId);
    this.#byRandom.delete(connection.random);
    this.#keys.delete(connection.random);
  }

  #readHello(connection: Connection, data: Uint8Array): void {
    if (connection.random !== '' || connection.start.length > 64) return;
    connection.start = Buffer.concat([connection.start, data.subarray(0, 128)]);
    const random = readClientRandom(connection.start);
    if (random === null || random === '') return;
    connection.random = random;
    this.#byRandom.set(random, connection);
  }

  #learn(line: string): void {
    const [label = '', random = ''] = line.split(' ');
    const known = this.#keys.get(random) ?? { lines: [], labels: new Set<string>() };
    known.lines.push(line);
    known.labels.add(label);
    this.#keys.set(random, known);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > maxKeys && oldest !== undefined) this.#keys.delete(oldest);
    const connection = this.#byRandom.get(random);
    if (connection === undefined) return;
    // A key that comes later than what it opens (after an update) is put where it comes.
    if (connection.isReleased) this.#blocks.put(decryptionSecrets([line]));
    else if (connection.held !== null && this.#hasKeys(connection)) this.#release(connection);
  }

  #hasKeys({ random }: Connection): boolean {
    const labels = this.#keys.get(random)?.labels;
    return labels !== undefined && (labels.has('CLIENT_RANDOM') || tls13.every((label) => labels.has(label)));
  }

  #releaseOverdue(mono: number): void {
    for (const connection of this.#connections.values()) {
      if (connection.held !== null && mono - connection.heldSince > maxHeldMs) this.#release(connection);
    }
  }

  #release(connection: Connection): void {
    const { held, random } = connection;
    if (held === null) return;
    connection.held = null;
    connection.isReleased = true;
    const lines = this.#keys.get(random)?.lines ?? [];
    if (lines.length > 0) this.#blocks.put(decryptionSecrets(lines));
    for (const event of held) this.#put(connection, event);
  }

  #put({ conversation }: Connection, event: ConnectionEvent): void {
    const time = this.#clock.time(event);
    switch (event.type) {
      case 'tapData':
        conversation.say(event.from, event.data, time);
        return;
      case 'tapMissing':
        conversation.skip(event.from, event.bytes, time, [
          `${event.bytes} bytes are missing here: too much was waiting to be written`,
        ]);
        return;
      case 'tapClosed':
        if (event.isReset) conversation.reset(event.by, time);
        else conversation.end(event.by, time);
        return;
      case 'tapOpened':
        return;
      default:
        event satisfies never;
    }
  }
}

const loopback = Uint8Array.of(127, 0, 0, 1);

function addressOf(endpoint: Endpoint | null): Uint8Array | null {
  return endpoint === null ? null : readAddress(endpoint.address);
}
