// One relayed WebSocket, told as wire events from what passes: its messages in the order in which they ended, and its end. What could not be read, or is
// too much, is told as missed; what passes waits for nothing here.
import type { RequestHead, ResponseHead, UpstreamLeg } from '../domain/index.ts';
import type { Emit } from './emit.ts';
import { maxMessageBytes, readFrames, type FrameEvent } from './websocket-frames.ts';
import { readExtensions, WebSocketInflater } from './websocket-inflater.ts';

export interface WebSocketExchange {
  /** Bytes of one side that pass. */
  passed(from: 'agent' | 'upstream', bytes: Buffer): void;
  /** The connection is over, on either side. */
  close(): void;
  isOpen(): boolean;
  /** Something that has passed is not told yet. */
  isBusy(): boolean;
}

interface Opening {
  readonly exchangeId: string;
  readonly request: RequestHead;
  readonly response: ResponseHead;
  readonly upstream?: UpstreamLeg;
}

/** What may wait to be inflated, as it came. A message of its size is all that is in memory beside it. */
const maxWaitingBytes = 16 * 1024 * 1024;
const eventBytes = 256;
/** What waits when a connection is over: a run that ends waits no longer than two seconds. */
const closeWithinMs = 1_000;

export function tellWebSocket(opening: Opening, emit: Emit): WebSocketExchange {
  const { exchangeId, response } = opening;
  const extensions = readExtensions(
    response.headers.filter(([name]) => /^sec-websocket-extensions$/i.test(name)).map(([, value]) => value),
  );
  const sideOf = (from: 'agent' | 'upstream') => ({
    from,
    reader: readFrames(extensions),
    inflater: new WebSocketInflater(extensions.startsAnew[from]),
    isGivenUp: extensions.isUnknown,
    missedBytes: 0,
    /** Dropped, and not told yet. */
    droppedBytes: 0,
    /** There was no time left for them. */
    lateBytes: 0,
  });
  type Side = ReturnType<typeof sideOf>;
  const sides = { agent: sideOf('agent'), upstream: sideOf('upstream') };
  /** Settles when what came before has been told; null: it has. */
  let waiting: Promise<void> | null = null;
  let waitingBytes = 0;
  let closing: Extract<FrameEvent, { type: 'close' }> | null = null;
  let isClosed = false;
  let deadline = Infinity;

  /** In order: at once, unless something before it still waits. */
  const inTurn = (size: number, work: () => void | Promise<void>): void => {
    const before = waiting;
    const result = before === null ? work() : before.then(work);
    if (!(result instanceof Promise)) return;
    waitingBytes += size;
    const mine: Promise<void> = result.finally(() => {
      waitingBytes -= size;
      if (waiting === mine) waiting = null;
    });
    waiting = mine;
  };
  const miss = ({ from }: Side, bytes: number, why: string): void => {
    const mono = performance.now();
    inTurn(eventBytes, () => emit({ type: 'socketMissed', exchangeId, from, bytes, why }, mono));
  };
  /** However many messages come while one is inflated, one event tells of those that there was no room for. */
  const drop = (side: Side, { data, isCompressed }: Extract<FrameEvent, { type: 'message' }>): void => {
    const isFirst = side.droppedBytes === 0;
    side.droppedBytes += data.length;
    if (!isFirst) return;
    const mono = performance.now();
    inTurn(eventBytes, () => {
      const bytes = side.droppedBytes;
      side.droppedBytes = 0;
      if (isCompressed) side.inflater.skip();
      emit({ type: 'socketMissed', exchangeId, from: side.from, bytes, why: 'too much was waiting to be read' }, mono);
    });
  };
  const tellMessage = (side: Side, event: Extract<FrameEvent, { type: 'message' }>): void => {
    const { from, inflater } = side;
    const { isBinary, isCompressed } = event;
    const mono = performance.now();
    const size = event.data.length + eventBytes;
    const tell = (data: Buffer | null): void => {
      if (data !== null) emit({ type: 'socketMessage', exchangeId, from, isBinary, data }, mono);
      else emit({ type: 'socketMissed', exchangeId, from, bytes: event.data.length, why: notInflated }, mono);
    };
    if (waiting !== null && waitingBytes + size > maxWaitingBytes) {
      drop(side, event);
      return;
    }
    inTurn(size, () => {
      if (performance.now() > deadline) {
        side.lateBytes += event.data.length;
        return;
      }
      const plain = isCompressed ? inflater.inflate(event.data) : event.data;
      return plain instanceof Promise ? plain.then(tell) : tell(plain);
    });
  };
  const handle = (side: Side, event: FrameEvent): void => {
    switch (event.type) {
      case 'message':
        return tellMessage(side, event);
      case 'tooLong':
        if (event.isCompressed) inTurn(eventBytes, () => side.inflater.skip());
        return miss(side, event.bytes, `a message is longer than ${maxMessageBytes} bytes`);
      case 'close':
        closing ??= event;
        return;
      default:
        event satisfies never;
    }
  };
  const tellUnread = (side: Side): void => {
    const unfinished = side.reader.unfinishedBytes();
    if (side.isGivenUp) {
      if (side.missedBytes > 0) miss(side, side.missedBytes, extensions.isUnknown ? unknownExtension : notFrames);
    } else if (unfinished > 0) miss(side, unfinished, 'a message did not come to its end');
  };

  emit({ type: 'socketOpened', ...opening });
  return {
    passed(from, bytes) {
      if (isClosed) return;
      const side = sides[from];
      if (!side.isGivenUp) for (const event of side.reader.push(bytes)) handle(side, event);
      side.isGivenUp ||= side.reader.isLost();
      if (side.isGivenUp) side.missedBytes += bytes.length;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      tellUnread(sides.agent);
      tellUnread(sides.upstream);
      const { code, reason } = closing ?? { code: null, reason: '' };
      const mono = performance.now();
      deadline = mono + closeWithinMs;
      inTurn(eventBytes, () => {
        for (const { from, lateBytes: bytes } of Object.values(sides)) {
          if (bytes > 0)
            emit({ type: 'socketMissed', exchangeId, from, bytes, why: 'there was no time left to read it' }, mono);
        }
        emit({ type: 'socketClosed', exchangeId, code, reason }, mono);
      });
    },
    isOpen: () => !isClosed,
    isBusy: () => waiting !== null,
  };
}

const notInflated = `a message could not be inflated: it is damaged, refers to one that was not read, or comes to more than ${maxMessageBytes} bytes`;
const notFrames = 'what passed cannot be read as WebSocket frames';
const unknownExtension = 'the two sides agreed on an extension that tapes does not know';
