// One side of the interceptor as a capture shows it: which conversation an exchange goes over. Exchanges of an HTTP/1.1 connection
// follow each other on it; an HTTP/2 stream is a conversation of its own, because HTTP/1.1 can hold one answer at a time.
import type { Endpoint, RequestHead } from '../../domain/index.ts';
import { isHttp1 } from '../http/framing.ts';
import { ExchangeTranscript, type ExchangeEvent, type LegAction } from '../http/exchange-transcript.ts';
import type { BlockPile } from './block-pile.ts';
import { laterTime, type PacketTime } from './blocks.ts';
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
  /** Has it carried one? */
  isUsed: boolean;
  /** The time of its last packet: on one connection time does not go back. */
  last: PacketTime;
  /** Was it told when it opened? Then it is told how it ends, too, and an HTTP/1.1 exchange on it does not say so. */
  isWatched: boolean;
  /** Told while an exchange was on it, which may have more to say. */
  ending: Ending | null;
  /** What is to be said of its end. */
  readonly endComments: string[];
}

/** How a connection really ended. */
export interface Ending {
  readonly by: 'client' | 'server';
  readonly isReset: boolean;
  readonly at: PacketTime;
}

interface Open {
  readonly transcript: ExchangeTranscript;
  readonly talk: Talk;
  readonly isHttp1: boolean;
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
  readonly #interfaceId: 0 | 1;
  readonly #kind: 'agent' | 'provider';
  readonly #places: Places;
  readonly #blocks: BlockPile;
  readonly #exchanges = new Map<string, Open>();
  /** Open ones, by the client's end. */
  readonly #talks = new Map<string, Talk>();
  #begun = 0;

  constructor(kind: 'agent' | 'provider', places: Places, blocks: BlockPile) {
    this.#interfaceId = kind === 'agent' ? 0 : 1;
    this.#kind = kind;
    this.#places = places;
    this.#blocks = blocks;
  }

  /** A connection has opened, and nothing is on it yet. */
  open(client: Side, server: Side, comments: readonly string[], at: PacketTime): void {
    const known = this.#talks.get(keyOf(client, server));
    // An exchange is on its way there: its beginning has been told later than its connection's end.
    if (known !== undefined && known.exchangeId !== null) return;
    known?.conversation.end('client', at, ['its end was not seen']);
    const talk = this.#openTalk(client, server, at);
    talk.isWatched = true;
    talk.conversation.open(at, comments);
    this.#endOldest(at);
  }

  begin(options: BeginOptions, given: PacketTime): void {
    const { exchangeId, request, requestComments, responseComments } = options;
    const { talk, comments } = this.#findTalk(options, given);
    const at = (talk.last = laterTime(talk.last, given));
    talk.exchangeId = exchangeId;
    talk.isUsed = true;
    const transcript = new ExchangeTranscript({ leg: this.#kind, request, requestComments, responseComments });
    this.#exchanges.set(exchangeId, { transcript, talk, isHttp1: isHttp1(request) });
    talk.conversation.open(at, [...options.openingComments, ...comments]);
    this.#endOldest(at);
  }

  write(event: ExchangeEvent, given: PacketTime): void {
    const open = this.#exchanges.get(event.exchangeId);
    if (open === undefined) return;
    const { transcript, talk } = open;
    const at = (talk.last = laterTime(talk.last, given));
    if (talk.conversation.isClosed) this.#goOn(open, at);
    for (const action of transcript.write(event)) this.#perform(open, action, at);
    if (!transcript.isOver) return;
    this.#exchanges.delete(event.exchangeId);
    talk.exchangeId = null;
    if (talk.ending !== null) this.#endTalk(talk, talk.ending);
  }

  /** The connection is over. What an exchange that is on it still has to say comes before its end. */
  end(client: Side, server: Side, ending: Ending): void {
    const talk = this.#talks.get(keyOf(client, server));
    if (talk === undefined) return;
    if (talk.exchangeId === null) this.#endTalk(talk, ending);
    else talk.ending = ending;
  }

  #endTalk(talk: Talk, { by, isReset, at }: Ending): void {
    if (this.#talks.get(talk.key) === talk) this.#talks.delete(talk.key);
    const time = laterTime(talk.last, at);
    const comments = talk.endComments.splice(0);
    if (isReset) talk.conversation.reset(by, time, comments);
    else talk.conversation.end(by, time, comments);
  }

  /** Ends what is open, because the file ends. */
  finish(at: PacketTime, comment: string): void {
    for (const { conversation, endComments, last } of this.#talks.values()) {
      conversation.end('server', laterTime(last, at), [...endComments.splice(0), comment]);
    }
    for (const talk of this.#talks.values()) if (talk.exchangeId === null) this.#talks.delete(talk.key);
  }

  /** The file before ended in the middle of this exchange. */
  #goOn(open: Open, at: PacketTime): void {
    const { transcript, talk } = open;
    talk.conversation = this.#converse(talk.client, talk.server);
    talk.conversation.open(at, ['goes on from the file before']);
    for (const action of transcript.resume()) this.#perform(open, action, at);
  }

  #perform({ talk, isHttp1: isHttp1Exchange }: Open, action: LegAction, at: PacketTime): void {
    // It will be told how the connection really ended, or that has been told.
    if (action.type !== 'say' && talk.isWatched && isHttp1Exchange) {
      talk.endComments.push(...action.comments);
      return;
    }
    const { conversation } = talk;
    switch (action.type) {
      case 'say': {
        const { from, piece, comments } = action;
        if (typeof piece === 'number') conversation.skip(from, piece, at, comments);
        else conversation.say(from, piece, at, comments);
        return;
      }
      case 'end':
        conversation.end(action.first, at, action.comments);
        this.#talks.delete(talk.key);
        return;
      case 'reset':
        conversation.reset(action.from, at, action.comments);
        this.#talks.delete(talk.key);
        return;
      default:
        action satisfies never;
    }
  }

  #findTalk({ request, client, server }: BeginOptions, at: PacketTime): { talk: Talk; comments: readonly string[] } {
    const seen = client === null ? null : this.#places.client(client);
    if (seen !== null) {
      const key = keyOf(seen, server);
      const known = this.#talks.get(key);
      if (known === undefined) return { talk: this.#openTalk(seen, server, at), comments: [] };
      const mayCarry = isHttp1(request) || !known.isUsed;
      if (known.exchangeId === null && mayCarry && !known.conversation.isClosed) {
        return { talk: known, comments: [] };
      }
      const reason = isHttp1(request) ? 'another exchange' : 'another stream of the same HTTP/2 connection';
      const free = this.#places.freeClient(seen.address);
      return {
        talk: this.#openTalk(free, server, at),
        comments: [`really port ${seen.port}, where ${reason} was on its way: port ${free.port} stands for it`],
      };
    }
    const free = this.#places.freeClient(server.address.length === 4 ? undefined : server.address);
    return { talk: this.#openTalk(free, server, at), comments: [`port ${free.port} stands for one that was not seen`] };
  }

  #openTalk(client: Side, server: Side, at: PacketTime): Talk {
    const talk: Talk = {
      key: keyOf(client, server),
      client,
      server,
      conversation: this.#converse(client, server),
      exchangeId: null,
      isUsed: false,
      last: at,
      isWatched: false,
      ending: null,
      endComments: [],
    };
    this.#talks.set(talk.key, talk);
    return talk;
  }

  #converse(client: Side, server: Side): TcpConversation {
    // Spread over the numbers, so that two connections over the same ports never look like one.
    const initialSequence = Math.imul(++this.#begun, 0x9e37_79b1) >>> 0;
    return new TcpConversation({
      interfaceId: this.#interfaceId,
      client,
      server,
      initialSequence,
      blocks: this.#blocks,
    });
  }

  #endOldest(at: PacketTime): void {
    if (this.#talks.size <= maxTalks) return;
    for (const talk of this.#talks.values()) {
      if (talk.exchangeId !== null) continue;
      this.#talks.delete(talk.key);
      talk.conversation.end('server', at, ['idle; its end was not seen']);
      return;
    }
  }
}

const keyOf = (client: Side, server: Side): string =>
  `${Buffer.from(client.address).toString('hex')}:${client.port} ${Buffer.from(server.address).toString('hex')}`;
