// One side of the interceptor as a capture shows it: which conversation an exchange goes over. Exchanges of an HTTP/1.1 connection
// follow each other on it; an HTTP/2 stream is a conversation of its own, because HTTP/1.1 can hold one answer at a time.
import type { Endpoint, RequestHead } from '../../domain/index.ts';
import { isHttp1 } from '../http/framing.ts';
import { ExchangeTranscript, type ExchangeEvent, type LegAction } from '../http/exchange-transcript.ts';
import type { PacketTime } from './blocks.ts';
import { TcpConversation } from './conversation.ts';
import type { Places } from './places.ts';
import type { Side } from './segment.ts';

interface Talk {
  readonly key: string;
  readonly client: Side;
  readonly server: Side;
  conversation: TcpConversation;
  /** The exchange that is on it now; null between two. */
  exchangeId: string | null;
}

interface Open {
  readonly transcript: ExchangeTranscript;
  readonly talk: Talk;
}

export interface BeginOptions {
  readonly exchangeId: string;
  readonly request: RequestHead;
  /** Its own end of the connection, where it is known. */
  readonly client: Endpoint | null;
  readonly server: Side;
  readonly openingComments: readonly string[];
  readonly requestComments: readonly string[];
  readonly responseComments: readonly string[];
}

/** Connections that are open and idle; beyond it the one that has been so longest is ended. */
const maxTalks = 2048;

export class Leg {
  readonly #interfaceId: number;
  readonly #kind: 'agent' | 'provider';
  readonly #places: Places;
  readonly #exchanges = new Map<string, Open>();
  /** Open ones, by the client's end. */
  readonly #talks = new Map<string, Talk>();
  #begun = 0;

  constructor(interfaceId: number, kind: 'agent' | 'provider', places: Places) {
    this.#interfaceId = interfaceId;
    this.#kind = kind;
    this.#places = places;
  }

  begin(options: BeginOptions, at: PacketTime): Buffer[] {
    const { exchangeId, request, requestComments, responseComments } = options;
    const { talk, comments } = this.#findTalk(options);
    talk.exchangeId = exchangeId;
    const transcript = new ExchangeTranscript({ leg: this.#kind, request, requestComments, responseComments });
    this.#exchanges.set(exchangeId, { transcript, talk });
    const packets = talk.conversation.open(at, [...options.openingComments, ...comments]);
    return [...packets, ...this.#endOldest(at)];
  }

  write(event: ExchangeEvent, at: PacketTime): Buffer[] {
    const open = this.#exchanges.get(event.exchangeId);
    if (open === undefined) return [];
    const { transcript, talk } = open;
    const packets = talk.conversation.isClosed ? this.#goOn(open, at) : [];
    for (const action of transcript.write(event)) packets.push(...this.#perform(talk, action, at));
    if (transcript.isOver) {
      this.#exchanges.delete(event.exchangeId);
      talk.exchangeId = null;
    }
    return packets;
  }

  /** The connection is over: its client has ended it. An exchange that is on it has an end of its own. */
  endTalk(client: Side, server: Side, isReset: boolean, at: PacketTime): Buffer[] {
    const talk = this.#talks.get(keyOf(client, server));
    if (talk === undefined || talk.exchangeId !== null) return [];
    this.#talks.delete(talk.key);
    return isReset ? talk.conversation.reset('client', at) : talk.conversation.end('client', at);
  }

  /** Ends what is open, because the file ends. */
  finish(at: PacketTime, comment: string): Buffer[] {
    const packets = [...this.#talks.values()].flatMap(({ conversation }) => conversation.end('server', at, [comment]));
    for (const talk of this.#talks.values()) if (talk.exchangeId === null) this.#talks.delete(talk.key);
    return packets;
  }

  /** The file before ended in the middle of this exchange. */
  #goOn({ transcript, talk }: Open, at: PacketTime): Buffer[] {
    talk.conversation = this.#converse(talk.client, talk.server);
    const packets = talk.conversation.open(at, ['goes on from the file before']);
    for (const action of transcript.resume()) packets.push(...this.#perform(talk, action, at));
    return packets;
  }

  #perform(talk: Talk, action: LegAction, at: PacketTime): Buffer[] {
    const packets: Buffer[] = [];
    const { conversation } = talk;
    switch (action.type) {
      case 'say': {
        const { from, piece, comments } = action;
        packets.push(
          ...(typeof piece === 'number'
            ? conversation.skip(from, piece, at, comments)
            : conversation.say(from, piece, at, comments)),
        );
        break;
      }
      case 'end':
        packets.push(...conversation.end(action.first, at, action.comments));
        this.#talks.delete(talk.key);
        break;
      case 'reset':
        packets.push(...conversation.reset(action.from, at, action.comments));
        this.#talks.delete(talk.key);
        break;
      default:
        action satisfies never;
    }
    return packets;
  }

  #findTalk({ request, client, server }: BeginOptions): { talk: Talk; comments: readonly string[] } {
    const seen = client === null ? null : this.#places.client(client);
    if (seen !== null) {
      const key = keyOf(seen, server);
      const known = this.#talks.get(key);
      if (known === undefined) return { talk: this.#openTalk(seen, server), comments: [] };
      if (known.exchangeId === null && isHttp1(request) && !known.conversation.isClosed) {
        return { talk: known, comments: [] };
      }
      const reason = isHttp1(request) ? 'another exchange' : 'another stream of the same HTTP/2 connection';
      const free = this.#places.freeClient(seen.address);
      return {
        talk: this.#openTalk(free, server),
        comments: [`really port ${seen.port}, where ${reason} was on its way: port ${free.port} stands for it`],
      };
    }
    const free = this.#places.freeClient(server.address.length === 4 ? undefined : server.address);
    return { talk: this.#openTalk(free, server), comments: [`port ${free.port} stands for one that was not seen`] };
  }

  #openTalk(client: Side, server: Side): Talk {
    const talk = {
      key: keyOf(client, server),
      client,
      server,
      conversation: this.#converse(client, server),
      exchangeId: null,
    };
    this.#talks.set(talk.key, talk);
    return talk;
  }

  #converse(client: Side, server: Side): TcpConversation {
    // Spread over the numbers, so that two connections over the same ports never look like one.
    const initialSequence = Math.imul(++this.#begun, 0x9e37_79b1) >>> 0;
    return new TcpConversation({ interfaceId: this.#interfaceId, client, server, initialSequence });
  }

  #endOldest(at: PacketTime): Buffer[] {
    if (this.#talks.size <= maxTalks) return [];
    for (const talk of this.#talks.values()) {
      if (talk.exchangeId !== null) continue;
      this.#talks.delete(talk.key);
      return talk.conversation.end('server', at, ['idle; its end was not seen']);
    }
    return [];
  }
}

const keyOf = (client: Side, server: Side): string =>
  `${Buffer.from(client.address).toString('hex')}:${client.port} ${Buffer.from(server.address).toString('hex')}`;
