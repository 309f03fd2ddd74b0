// The vocabulary of recordings, in the JSON shapes that the command line promises (docs/cli.md).
// Times are ISO 8601 with milliseconds; durations end in Ms, sizes in Bytes.

export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/**
 * completed · incomplete (the model stopped early) · failed (the provider said so, an HTTP error included) · truncated (the stream
 * ended without a terminal event) · aborted (the agent hung up) · interrupted (tapes died) · streaming (still open)
 */
export type CallStatus = 'completed' | 'incomplete' | 'failed' | 'truncated' | 'aborted' | 'interrupted' | 'streaming';

/** Known kinds; a `request_kind` that is not known today is kept as it is. */
export type CallKind = 'turn' | 'prewarm' | 'compaction' | 'title' | 'review' | (string & {});

export interface CallError {
  readonly code: string;
  readonly message: string;
}

/**
 * One element of a Responses `input` or `output`. Absent fields are left out. `arguments` is a string exactly as sent;
 * a tool call's `output` is its result, filled in from the next call's input. `raw` is the item as the wire had it.
 */
export interface Item {
  readonly id?: string;
  readonly hash: string;
  readonly type: string;
  readonly role?: string;
  readonly text?: string;
  readonly name?: string;
  readonly callId?: string;
  readonly arguments?: string;
  readonly output?: string;
}

/** A rate-limit window as the provider's `x-codex-*` response headers gave it. */
export interface RateLimitWindow {
  readonly usedPercent: number;
  readonly windowMinutes: number | null;
  readonly resetsAt: string | null;
}

export interface RateLimits {
  readonly primary?: RateLimitWindow;
  readonly secondary?: RateLimitWindow;
  readonly credits?: Readonly<Record<string, string>>;
}

/**
 * A call that no longer holds all of what the one before it sent. compaction: it goes on from the summary that `fromCallId` made; edit:
 * an earlier prompt was changed or taken back, and it goes on from `fromCallId` (null: from no earlier call).
 */
export interface CallBranch {
  readonly reason: 'compaction' | 'edit';
  readonly fromCallId: string | null;
}

export interface Call {
  readonly id: string;
  readonly turnId: string;
  readonly exchangeId: string;
  readonly kind: CallKind;
  /** 1 for the first try; a retry of the same request counts up. */
  readonly attempt: number;
  readonly transport: 'https' | 'websocket';
  readonly status: CallStatus;
  readonly model: string | null;
  readonly responseId: string | null;
  readonly httpStatus: number | null;
  readonly error: CallError | null;
  readonly startedAt: string;
  /** Request complete to first output token; null when none came. */
  readonly ttftMs: number | null;
  readonly durationMs: number | null;
  /** Decoded size, and size on the wire. */
  readonly requestBytes: number;
  readonly requestWireBytes: number;
  readonly responseBytes: number;
  /** Lower-case hex of the true bytes, before any masking; null where there were none. */
  readonly requestSha256: string | null;
  readonly requestWireSha256: string | null;
  readonly responseSha256: string | null;
  readonly responseWireSha256: string | null;
  readonly inputItems: number;
  readonly newItems: number;
  /** Where the conversation branches; absent where it goes on. */
  readonly branch?: CallBranch;
  readonly usage: Usage | null;
  readonly rateLimits: RateLimits | null;
  readonly output: readonly Item[];
}

export interface Turn {
  readonly id: string;
  readonly threadId: string;
  readonly prompt: string | null;
  readonly status: CallStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  readonly usage: Usage;
  /** Null: a model has no price, or no usage was reported. */
  readonly costUsd: number | null;
  /** The models that keep `costUsd` from being known; absent where there are none. */
  readonly unpricedModels?: readonly string[];
  readonly calls: readonly Call[];
}

export interface Thread {
  readonly id: string;
  readonly parentThreadId: string | null;
  readonly agentName: string | null;
  /** The thread of another session that it began as a copy of, as the agent said; absent where it did not. */
  readonly forkedFromThreadId?: string;
  readonly turns: readonly Turn[];
}

export interface Session {
  readonly id: string;
  readonly agent: string;
  readonly agentVersion: string | null;
  readonly cwd: string | null;
  readonly title: string | null;
  readonly status: CallStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly threads: number;
  readonly turns: number;
  readonly calls: number;
  readonly models: readonly string[];
  readonly usage: Usage;
  /** Null: a model has no price, or no usage was reported. */
  readonly costUsd: number | null;
  /** The models that keep `costUsd` from being known; absent where there are none. */
  readonly unpricedModels?: readonly string[];
}

export interface Run {
  readonly id: string;
  readonly agent: string | null;
  /** Empty: a session under a standing proxy, of a process that could not be told. */
  readonly argv: readonly string[];
  /** Null: as above. */
  readonly cwd: string | null;
  /** A command under `tapes intercept`; a standing `tapes proxy`; a session of an agent that passed through one. */
  readonly kind: 'intercept' | 'proxy' | 'session';
  /** Of a session: the run of the standing proxy. */
  readonly proxyRunId: string | null;
  readonly label: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly calls: number;
  readonly exchanges: number;
  /** Events that could not be recorded. */
  readonly dropped: number;
  readonly status: 'running' | 'ended' | 'interrupted';
}

export const noUsage: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

export function addUsage(a: Usage, b: Usage | null): Usage {
  if (b === null) return a;
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    totalTokens: a.totalTokens + b.totalTokens,
  };
}
