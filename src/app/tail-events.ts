// What `tapes tail` tells of calls as they come and go. Pure: it remembers what has been told, and reads nothing.
import type { CallError, CallStatus, Item, Usage } from '../domain/index.ts';
import type { ActiveCall, ActivityMark } from '../store/index.ts';

interface Place {
  readonly at: string;
  readonly sessionId: string;
  readonly shortSessionId: string;
  readonly threadId: string;
  readonly agentName: string | null;
  readonly isSubThread: boolean;
  readonly turnId: string | null;
}

interface OfCall extends Place {
  readonly callId: string;
  readonly shortCallId: string;
}

export type TailEvent =
  | (Place & { readonly type: 'turnStarted'; readonly prompt: string | null })
  /** A tool's result, sent with this call. */
  | (OfCall & { readonly type: 'toolOutput'; readonly item: Item })
  | (OfCall & {
      readonly type: 'callStarted';
      readonly kind: string;
      readonly attempt: number;
      readonly model: string | null;
      readonly inputItems: number;
      readonly newItems: number;
    })
  /** An item of the answer. */
  | (OfCall & { readonly type: 'output'; readonly item: Item })
  | (OfCall & {
      readonly type: 'callEnded';
      readonly status: CallStatus;
      readonly model: string | null;
      readonly httpStatus: number | null;
      readonly error: CallError | null;
      readonly usage: Usage | null;
      readonly ttftMs: number | null;
      readonly durationMs: number | null;
    });

// A call is written once its request is complete, so its start may lie before that of one that was written earlier.
const lateMs = 60_000;

export class TailMemory {
  /** Calls of the last minute and open ones, as they were told. */
  readonly #told = new Map<string, ActivityMark>();
  readonly #turns = new Set<string>();
  #newest: number;

  constructor(startedAtMs: number) {
    this.#newest = startedAtMs;
  }

  /** What to ask for next. */
  get asking(): { readonly since: string; readonly ids: readonly string[] } {
    return { since: new Date(this.#newest - lateMs).toISOString(), ids: this.#open() };
  }

  get hasOpenCalls(): boolean {
    return this.#open().length > 0;
  }

  /** What was over before anybody looked is not told. */
  skipEnded(marks: readonly ActivityMark[]): void {
    for (const mark of marks) if (mark.status !== 'streaming') this.#note(mark);
  }

  /** Of which calls there is something to tell. */
  choose(marks: readonly ActivityMark[]): string[] {
    return marks.filter(({ id, status }) => this.#told.get(id)?.status !== status).map(({ id }) => id);
  }

  /** `now`: ISO 8601, for what ended unseen. */
  tell(calls: readonly ActiveCall[], now: string, isWanted: (call: ActiveCall) => boolean = () => true): TailEvent[] {
    const events = calls
      .filter((call) => isWanted(call) || this.#skip(call))
      .flatMap((call) => this.#tellCall(call, now));
    // Calls of several threads may have come and gone between two looks.
    return events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  }

  #tellCall(call: ActiveCall, now: string): TailEvent[] {
    const known = this.#told.get(call.id);
    if (known?.status === call.status) return [];
    this.#note(call);
    return [
      ...(known === undefined ? this.#tellStart(call) : []),
      ...(call.status === 'streaming' ? [] : tellEnd(call, now)),
    ];
  }

  #tellStart(call: ActiveCall): TailEvent[] {
    const { turn, kind, attempt, model, inputItems, newItems } = call;
    const of = placeOf(call, call.startedAt);
    const events: TailEvent[] = call.toolOutputs.map((item) => ({ type: 'toolOutput', ...of, item }));
    const key = `${call.threadId}\n${turn?.id}`;
    if (turn !== null && !this.#turns.has(key)) {
      this.#turns.add(key);
      const { callId: _callId, shortCallId: _shortCallId, ...place } = of;
      events.unshift({ type: 'turnStarted', ...place, at: turn.startedAt, prompt: turn.prompt });
    }
    return [...events, { type: 'callStarted', ...of, kind, attempt, model, inputItems, newItems }];
  }

  /** As if it had been told. */
  #skip(call: ActiveCall): false {
    this.#note(call);
    return false;
  }

  #note({ id, startedAt, status }: ActivityMark): void {
    this.#told.set(id, { id, startedAt, status });
    this.#newest = Math.max(this.#newest, Date.parse(startedAt));
    for (const [other, mark] of this.#told) {
      const isOld = Date.parse(mark.startedAt) < this.#newest - lateMs;
      if (isOld && mark.status !== 'streaming') this.#told.delete(other);
    }
  }

  #open(): string[] {
    return [...this.#told.values()].filter(({ status }) => status === 'streaming').map(({ id }) => id);
  }
}

function tellEnd(call: ActiveCall, now: string): TailEvent[] {
  const { status, model, httpStatus, error, usage, ttftMs, durationMs } = call;
  // Nobody saw the end of a call whose recorder died.
  const of = placeOf(call, call.endedAt ?? now);
  return [
    ...call.output.map((item): TailEvent => ({ type: 'output', ...of, item })),
    { type: 'callEnded', ...of, status, model, httpStatus, error, usage, ttftMs, durationMs },
  ];
}

function placeOf(call: ActiveCall, at: string): OfCall {
  const { sessionId, shortSessionId, threadId, agentName, isSubThread, turn, id, shortId } = call;
  const place = { at, sessionId, shortSessionId, threadId, agentName, isSubThread, turnId: turn?.id ?? null };
  return { ...place, callId: id, shortCallId: shortId };
}
