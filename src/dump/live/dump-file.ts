// The file of a dump on disk: whole after every write, 0600, in several files one after the other where that is asked for. A write that
// fails is taken back, so that the file stays readable up to there; what comes after it is lost and counted.
import { closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

import { TapesError } from '../../errors.ts';

export interface DumpRotation {
  /** A file that has reached this is followed by a next one. */
  readonly maxBytes: number;
  /** How many files are kept, the newest; null: all. */
  readonly maxFiles: number | null;
}

/** What a dump is written to. Both are open when they are made, so that what is wrong is told before anything runs. */
export type DumpTarget =
  | {
      readonly type: 'file';
      /** The name that was asked for, and that of the file, which is numbered where others may follow. */
      readonly path: string;
      readonly file: string;
      readonly fd: number;
      readonly rotation: DumpRotation | null;
    }
  | { readonly type: 'stderr' };

export interface FileReport {
  /** The name that was asked for. */
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
  /** What went wrong, in one sentence; null: nothing. */
  readonly problem: string | null;
}

const stderrFd = 2;
/** Written together: a system call for each packet would cost more than making it. */
const flushBytes = 64 * 1024;

/** Throws E_DUMP_EXISTS, E_DUMP_UNUSABLE. */
export function openDumpFile(
  path: string,
  force: boolean,
  rotation: DumpRotation | null = null,
  now = Date.now(),
): DumpTarget {
  const file = rotation === null ? path : numberedPath(path, 1, now);
  return { type: 'file', path, file, fd: openPrivately(file, force), rotation };
}

export class DumpFile {
  readonly #path: string;
  readonly #rotation: DumpRotation | null;
  #fd: number;
  /** With it a file is whole; it is written over by what follows. */
  readonly #tail: Uint8Array;
  readonly #names: string[] = [];
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Up to here the file is good, its tail not counted. */
  #goodBytes = 0;
  #earlierBytes = 0;
  #files = 1;
  #problem: string | null = null;
  #lostWrites = 0;

  constructor(target: DumpTarget, tail: Uint8Array) {
    this.#path = target.type === 'file' ? target.path : '-';
    this.#rotation = target.type === 'file' ? target.rotation : null;
    this.#fd = target.type === 'file' ? target.fd : stderrFd;
    this.#tail = tail;
    if (target.type === 'file') this.#names.push(target.file);
  }

  /** Has it reached the size at which a next one follows? */
  get isFull(): boolean {
    return (
      this.#rotation !== null &&
      this.#problem === null &&
      this.#goodBytes + this.#pendingBytes >= this.#rotation.maxBytes
    );
  }

  /** What has gone wrong, in one sentence; null: nothing. */
  get problem(): string | null {
    return this.#problem === null ? null : `${this.#path} ends early: ${this.#problem}`;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#problem !== null) {
      this.#lostWrites += 1;
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= flushBytes) this.flush();
  }

  flush(): void {
    if (this.#pendingBytes === 0 || this.#problem !== null) return;
    const pending = this.#pending;
    const size = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    const bytes = Buffer.concat([...pending, this.#tail]);
    try {
      if (this.#fd === stderrFd) writeAll(bytes, this.#fd, null);
      else writeAll(bytes, this.#fd, this.#goodBytes);
      this.#goodBytes += size;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on in a next file, which begins with `start`; `finish` is the last of this one. */
  rotate(finish: Uint8Array, start: Uint8Array, now = Date.now()): void {
    this.write(finish);
    this.flush();
    if (this.#problem !== null || this.#rotation === null) return;
    const name = numberedPath(this.#path, this.#files + 1, now);
    try {
      const fd = openPrivately(name, false);
      closeSync(this.#fd);
      this.#fd = fd;
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#files += 1;
    this.#earlierBytes += this.#goodBytes + this.#tail.length;
    this.#goodBytes = 0;
    this.#keep(name);
    this.write(start);
  }

  close(): FileReport {
    this.flush();
    if (this.#fd !== stderrFd) closeSync(this.#fd);
    const bytes = this.#earlierBytes + this.#goodBytes + (this.#goodBytes > 0 ? this.#tail.length : 0);
    const lost = this.#lostWrites === 0 ? '' : `; what came later is not in it`;
    const problem = this.problem === null ? null : `${this.problem}${lost}`;
    return { path: this.#path, bytes, files: this.#files, problem };
  }

  /** Only the newest are kept. */
  #keep(name: string): void {
    const { maxFiles } = this.#rotation!;
    if (maxFiles === null) return;
    this.#names.push(name);
    while (this.#names.length > maxFiles) this.#remove(this.#names.shift()!);
  }

  #remove(name: string): void {
    try {
      unlinkSync(name);
    } catch {
      // Somebody else has taken it away.
    }
  }

  #fail(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    if (this.#fd === stderrFd) return;
    try {
      // What went out in part is taken back; the tail has its room there.
      ftruncateSync(this.#fd, this.#goodBytes);
      if (this.#goodBytes > 0) writeAll(this.#tail, this.#fd, this.#goodBytes);
    } catch {
      // Then the file ends in the middle of something, which readers of these formats can live with.
    }
  }
}

function writeAll(bytes: Uint8Array, fd: number, position: number | null): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
    } catch (error) {
      // A pipe that is full just now, set non-blocking by somebody.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function openPrivately(path: string, force: boolean): number {
  let fd: number;
  try {
    // Not truncated yet: what is there may be something else than a file.
    fd = openSync(path, force ? 'r+' : 'wx+', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (force && code === 'ENOENT') return openPrivately(path, false);
    if (code === 'EEXIST') {
      throw new TapesError('E_DUMP_EXISTS', `${path} is there already`, {
        hint: 'name another file, or replace it with: --force',
      });
    }
    throw new TapesError('E_DUMP_UNUSABLE', `${path} cannot be written: ${message}`, {
      hint: `name a file in a folder that you may write, not ${dirname(path)}`,
      cause: error,
    });
  }
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw new TapesError('E_DUMP_UNUSABLE', `${path} is not a regular file`, {
      hint: 'name a file, a folder, or - for stderr',
    });
  }
  fchmodSync(fd, 0o600);
  ftruncateSync(fd, 0);
  return fd;
}

/** As tshark names the files of its ring buffer: `run_00001_20261125091827.pcapng`. */
function numberedPath(path: string, number: number, now: number): string {
  const ending = extname(path);
  const time = new Date(now).toISOString().replace(/[-:T]|\..*/g, '');
  const name = `${basename(path, ending)}_${String(number).padStart(5, '0')}_${time}${ending}`;
  return join(dirname(path), name);
}
