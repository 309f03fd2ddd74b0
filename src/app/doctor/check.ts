// What a check of `tapes doctor` says.

/**
 * ok: fine. warn: a run works, and here is something to know. fail: a run would not work, or not record. skip: it could not be told, since
 * something before it failed.
 */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  readonly status: CheckStatus;
  readonly message: string;
  /** The next command to type; absent where nothing needs to be done. */
  readonly hint?: string;
}

export interface Check extends Finding {
  readonly name: string;
  /** What `--fix` has done about it; the rest of the check is how it stands now. */
  readonly mended?: string;
  readonly durationMs: number;
}

/** What came of trying to mend something: what was done, or why nothing was; null where there is nothing that could be done. */
export type Mending = { readonly done: string } | { readonly refused: string } | null;
