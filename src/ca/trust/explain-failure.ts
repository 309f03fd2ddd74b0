// Why a trust store's program failed, told from what it printed: in words that a user can act on. Pure.
import type { ErrorCode } from '../../errors.ts';
import type { StoreName } from './trust-plan.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

interface FailedStep {
  readonly store: StoreName;
  /** For people. */
  readonly label: string;
  /** The command line as it can be typed. */
  readonly command: string;
  readonly exitCode: number | null;
  readonly output: string;
}

export function explainFailure({ store, label, command, exitCode, output }: FailedStep): Failure {
  const said = lastLine(output);
  if (
    /a terminal is required|a password is required|no tty present|not in the sudoers|incorrect password attempt/i.test(
      output,
    )
  ) {
    return {
      code: 'E_STORE_NEEDS_ROOT',
      message: `${label} needs root rights, which were not given: ${said}`,
      hint: `run it where sudo can ask for your password, or as root: ${command}`,
    };
  }
  if (isLocked.test(output)) return explainLock(store, label, command, said);
  if (/read-only file system|SEC_ERROR_READ_ONLY/i.test(output)) {
    return {
      code: 'E_STORE_READ_ONLY',
      message: `${label} is read-only: ${said}`,
      hint: 'make it writable and try again, or set the variable instead: tapes ca install --store node',
    };
  }
  if (/permission denied|operation not permitted|access is denied|SEC_ERROR_NO_ACCESS/i.test(output)) {
    return {
      code: 'E_STORE_READ_ONLY',
      message: `${label} may not be written: ${said}`,
      hint: `whose is it? try it as its owner: ${command}`,
    };
  }
  return {
    code: 'E_STORE_FAILED',
    message: `${label}: exit code ${exitCode ?? 'none'}: ${said || 'it said nothing'}`,
    hint: `try it yourself: ${command}`,
  };
}

// NSS with a primary password, or held by a browser; keytool with another password than the usual one.
const isLocked =
  /incorrect password|password was incorrect|SEC_ERROR_BAD_PASSWORD|TOKEN_NOT_LOGGED_IN|SEC_ERROR_LOCKED_PASSWORD|SEC_ERROR_BUSY|database is locked|could not authenticate/i;

function explainLock(store: StoreName, label: string, command: string, said: string): Failure {
  if (store === 'java') {
    return {
      code: 'E_STORE_LOCKED',
      message: `${label} has a password of its own: ${said}`,
      hint: `type it in place of changeit: ${command}`,
    };
  }
  return {
    code: 'E_STORE_LOCKED',
    message: `${label} is locked: ${said}`,
    hint: `close the browser; where a primary password guards it, answer for it yourself: ${command}`,
  };
}

const lastLine = (output: string): string =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1) ?? '';
