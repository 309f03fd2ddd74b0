// What can go wrong in a way the user can meet: one class, one table of codes with their exit codes.
// The table is the source of docs/errors.md (a test keeps the two equal).

/** Exit codes that are ours; the child's own code always passes through. */
export const exitCodes = { failed: 1, usage: 2, bug: 70, notStarted: 125, notExecutable: 126, notFound: 127 } as const;

export const errorTable = {
  E_USAGE: { exitCode: exitCodes.usage, meaning: 'The command line could not be understood.' },
  E_COMMAND_NOT_FOUND: { exitCode: exitCodes.notFound, meaning: 'The command after `--` does not exist.' },
  E_COMMAND_NOT_EXECUTABLE: {
    exitCode: exitCodes.notExecutable,
    meaning: 'The command after `--` exists and cannot be run.',
  },
  E_AGENT_UNKNOWN: { exitCode: exitCodes.notStarted, meaning: 'No agent profile has the name given with `--agent`.' },
  E_AGENT_DAEMON: {
    exitCode: exitCodes.notStarted,
    meaning: "A background daemon would carry the agent's traffic past tapes.",
  },
  E_PORT_IN_USE: {
    exitCode: exitCodes.notStarted,
    meaning: 'The port given with `--port`, or that of the standing proxy, is taken.',
  },
  E_PORT_INVALID: {
    exitCode: exitCodes.notStarted,
    meaning: 'The port given with `--port` is not a number from 0 to 65535, or may not be opened.',
  },
  E_PROXY_RUNNING: {
    exitCode: exitCodes.notStarted,
    meaning: 'A standing proxy is running on this home already.',
  },
  E_PROXY_NOT_RUNNING: {
    exitCode: exitCodes.failed,
    meaning: 'No standing proxy is running on this home.',
  },
  E_HOME_NOT_WRITABLE: { exitCode: exitCodes.notStarted, meaning: 'The home folder cannot be created or written.' },
  E_FOLDER_SHARED: {
    exitCode: exitCodes.notStarted,
    meaning: 'Other users can write in the folder that the home or the database is in.',
  },
  E_CA_UNREADABLE: {
    exitCode: exitCodes.notStarted,
    meaning: 'The root certificate or its key cannot be read or parsed.',
  },
  E_CA_MISMATCH: {
    exitCode: exitCodes.notStarted,
    meaning: 'The root certificate and its key do not belong together.',
  },
  E_CA_EXPIRED: { exitCode: exitCodes.notStarted, meaning: 'The root certificate has expired.' },
  E_CA_CONSTRAINTS: {
    exitCode: exitCodes.notStarted,
    meaning: 'The root does not permit a host that should be intercepted.',
  },
  E_CA_PERMISSIONS: { exitCode: exitCodes.notStarted, meaning: "The root's key can be read by others." },
  E_CA_MISSING: { exitCode: exitCodes.failed, meaning: 'There is no root yet.' },
  E_CA_BUSY: { exitCode: exitCodes.failed, meaning: 'Another tapes is changing the root or the trust stores.' },
  E_CLOCK_WRONG: { exitCode: exitCodes.notStarted, meaning: 'The clock of this machine cannot be right.' },
  E_HOST_NAME_INVALID: {
    exitCode: exitCodes.notStarted,
    meaning: 'A `--host-name` value cannot be expressed as something that a root permits.',
  },
  E_LEDGER_UNREADABLE: {
    exitCode: exitCodes.failed,
    meaning: 'The file that says what was installed into which trust store cannot be read.',
  },
  E_STORE_TOOL_MISSING: { exitCode: exitCodes.failed, meaning: 'The program that changes a trust store is not here.' },
  E_STORE_NEEDS_ROOT: {
    exitCode: exitCodes.failed,
    meaning: 'A trust store needs root rights that tapes did not get.',
  },
  E_STORE_READ_ONLY: { exitCode: exitCodes.failed, meaning: 'A trust store cannot be written.' },
  E_STORE_LOCKED: { exitCode: exitCodes.failed, meaning: 'A trust store is in use, or guarded by a password.' },
  E_STORE_FOREIGN: {
    exitCode: exitCodes.failed,
    meaning: 'A trust store holds something else under the name of our root.',
  },
  E_STORE_FAILED: { exitCode: exitCodes.failed, meaning: 'The program that changes a trust store failed.' },
  E_RESOLVE_INVALID: { exitCode: exitCodes.notStarted, meaning: 'A `--resolve` value is malformed.' },
  E_UPSTREAM_CA_INVALID: {
    exitCode: exitCodes.notStarted,
    meaning: 'A file of extra upstream roots cannot be read or holds no certificate.',
  },
  E_UPSTREAM_PROXY_INVALID: {
    exitCode: exitCodes.notStarted,
    meaning: 'The upstream proxy is not a URL that tapes can use.',
  },
  E_DUMP_FORMAT: {
    exitCode: exitCodes.notStarted,
    meaning: 'The name of a dump file does not say what is to be written into it.',
  },
  E_DUMP_EXISTS: { exitCode: exitCodes.notStarted, meaning: 'A dump file is there already.' },
  E_DUMP_UNUSABLE: { exitCode: exitCodes.notStarted, meaning: 'A dump file cannot be written.' },
  E_DB_NEWER: { exitCode: exitCodes.notStarted, meaning: 'The database was written by a newer version of tapes.' },
  E_DB_UNREADABLE: {
    exitCode: exitCodes.notStarted,
    meaning: 'The database cannot be opened or is not a tapes database.',
  },
  E_PRICES_INVALID: {
    exitCode: exitCodes.failed,
    meaning: "The user's own price file cannot be read or is malformed.",
  },
  E_DB_MISSING: { exitCode: exitCodes.failed, meaning: 'There is no database yet.' },
  E_NOT_FOUND: { exitCode: exitCodes.failed, meaning: 'No recorded session, turn, call or run has this id.' },
  E_AMBIGUOUS: { exitCode: exitCodes.failed, meaning: 'More than one recorded thing begins with this id.' },
  E_SESSION_ACTIVE: {
    exitCode: exitCodes.failed,
    meaning: 'The session is being recorded by a run that is still going.',
  },
  E_FILE_EXISTS: { exitCode: exitCodes.failed, meaning: 'The file to write exists already.' },
  E_FILE_UNUSABLE: { exitCode: exitCodes.failed, meaning: 'A file that was named cannot be read or written.' },
  E_IMPORT_NEWER: {
    exitCode: exitCodes.failed,
    meaning: 'The file to import was written by a newer version of tapes.',
  },
  E_IMPORT_DAMAGED: { exitCode: exitCodes.failed, meaning: 'The file to import is damaged, or no export of tapes.' },
  E_NO_BODY: { exitCode: exitCodes.failed, meaning: 'The body that was asked for was not recorded.' },
  E_DB_IN_USE: { exitCode: exitCodes.failed, meaning: 'A run is being recorded into the database.' },
  E_BODY_DAMAGED: {
    exitCode: exitCodes.failed,
    meaning: 'A recorded body, or recorded headers, cannot be rebuilt: the database is damaged.',
  },
} as const satisfies Record<string, { exitCode: number; meaning: string }>;

export type ErrorCode = keyof typeof errorTable;

/** An error that a user can meet: `message` says what failed and on what, `hint` is the next command to type. */
export class TapesError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TapesError';
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return errorTable[this.code].exitCode;
  }
}
