// A key log for those who capture by themselves: the keys of the run's TLS connections, in the lines that Wireshark reads (`tls.keylog_file`).
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';

import type { TapEvent } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

export interface KeyLog {
  /** Takes what a tap tells, and writes its keys. Never throws. */
  tell(event: TapEvent): void;
  /** What went wrong, in one sentence; null: nothing. */
  close(): string | null;
}

/** Appends to the file, which is its owner's alone from now on (0600). Throws E_DUMP_UNUSABLE. */
export function openKeyLog(path: string): KeyLog {
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600);
    if (fstatSync(fd).isFile()) fchmodSync(fd, 0o600);
  } catch (cause) {
    throw new TapesError('E_DUMP_UNUSABLE', `the key log ${path} cannot be written: ${(cause as Error).message}`, {
      hint: 'name a file that you may write: --keylog FILE (or unset SSLKEYLOGFILE)',
      cause,
    });
  }
  let problem: string | null = null;
  return {
    tell(event) {
      if (event.type !== 'tapKeys' || problem !== null) return;
      try {
        writeSync(fd, `${event.line}\n`);
      } catch (error) {
        problem = `the key log ${path} ends early: ${(error as Error).message}`;
      }
    },
    close() {
      closeSync(fd);
      return problem;
    },
  };
}
