// The dumps of one run, or of a standing proxy's whole life, while it goes: which files are asked for, what is known of the run's secrets, and what became of the files.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { arch, hostname, release, type as osType } from 'node:os';
import { join } from 'node:path';

import type { AgentProfile } from '../agents/index.ts';
import type { ConnectionEvent, Sink } from '../domain/index.ts';
import {
  formatOfFile,
  openDumpFile,
  openLiveDump,
  type DumpFormat,
  type DumpReport,
  type DumpRotation,
  type DumpTarget,
  type ShownBodies,
} from '../dump/index.ts';
import { TapesError } from '../errors.ts';
import type { TlsTap } from '../proxy/index.ts';
import { tapesVersion } from '../version.ts';
import { openKeyLog, type KeyLog } from './key-log.ts';
import { readRunSecrets } from './run-secrets.ts';

export interface DumpRequest {
  /** Files, folders, or - for stderr. */
  readonly paths: readonly string[];
  readonly force: boolean;
  readonly bodies: ShownBodies;
  readonly keepSecrets: boolean;
  readonly keepZstd: boolean;
  readonly rotation: DumpRotation | null;
  /** For ciphertext with its keys. */
  readonly tlsPath: string | null;
  readonly keyLogPath: string | null;
  /** Is the child on a terminal? Then nothing else may be printed there. */
  readonly isOnTerminal: boolean;
}

export interface DumpedRun {
  readonly runId: string;
  /** Whose requests they may be: of one agent, or, under a standing proxy, of any. */
  readonly profiles: readonly AgentProfile[];
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maskKey: Uint8Array;
}

export interface RunDump extends Sink<unknown> {
  tellConnection(event: ConnectionEvent): void;
  /** What is to be told below TLS; absent: nothing. */
  readonly tap: TlsTap | undefined;
  learnSecrets(values: readonly string[]): void;
  /** What has gone wrong so far, one sentence each; `finish` says it, too. */
  readonly problems: readonly string[];
  /** Says something of an exchange that has begun. */
  remark(exchangeId: string, text: string): void;
  /** Settles within about ten seconds. What became of the files, one sentence each. */
  finish(): Promise<readonly string[]>;
  /** The child never ran: the files go. */
  discard(): Promise<void>;
}

/** Null where no dump is asked for. Throws E_DUMP_FORMAT, E_DUMP_EXISTS, E_DUMP_UNUSABLE. */
export async function openRunDump(request: DumpRequest | undefined, run: DumpedRun): Promise<RunDump | null> {
  if (request === undefined) return null;
  const { paths, tlsPath, keyLogPath } = request;
  if (paths.length === 0 && tlsPath === null && keyLogPath === null) return null;
  const secrets = await readRunSecrets(run.profiles, run.environment, run.argv);
  const { targets, tlsTarget } = openTargets(request, run.runId);
  const keyLog = openLogOrClean(keyLogPath, [...targets.map(({ target }) => target), tlsTarget]);
  const dump = openLiveDump({
    agent: run.profiles[0]?.name ?? null,
    origin: {
      version: tapesVersion(),
      hostname: hostname(),
      os: `${osType()} ${release()}`,
      hardware: arch(),
      command: run.argv.join(' '),
      runId: run.runId,
    },
    maskKey: run.maskKey,
    secrets: secrets.known,
    keepSecrets: request.keepSecrets,
    targets,
    tlsTarget,
    bodies: request.bodies,
    keepZstd: request.keepZstd,
  });
  const logins = secrets.watch((values) => dump.learnSecrets(values));
  const close = (): Promise<DumpReport> => {
    logins.stop();
    return dump.close();
  };
  const tap: TlsTap | undefined =
    tlsTarget === null && keyLog === null
      ? undefined
      : {
          tellsBytes: tlsTarget !== null,
          tell(event) {
            keyLog?.tell(event);
            if (tlsTarget !== null) dump.tap(event);
          },
        };
  return {
    tap,
    tellConnection: (event) => dump.tellConnection(event),
    push: (event) => dump.push(event),
    get problems() {
      return dump.problems.map((problem) => `the dump ${problem}`);
    },
    close,
    learnSecrets: (values) => dump.learnSecrets(values),
    remark: (exchangeId, text) => dump.remark(exchangeId, text),
    async finish() {
      const lines = sayReport(await close());
      const problem = keyLog?.close() ?? null;
      return problem === null ? lines : [...lines, problem];
    },
    async discard() {
      await close();
      keyLog?.close();
      for (const target of [...targets.map(({ target }) => target), tlsTarget]) removeTarget(target);
    },
  };
}

type PlannedTarget = { readonly format: DumpFormat; readonly target: DumpTarget };

function openTargets(
  request: DumpRequest,
  runId: string,
): { readonly targets: readonly PlannedTarget[]; readonly tlsTarget: DumpTarget | null } {
  const { paths, tlsPath, force, rotation, isOnTerminal } = request;
  const targets: PlannedTarget[] = [];
  try {
    for (const { format, path } of paths.flatMap((given) => planPath(given, runId, isOnTerminal))) {
      const target: DumpTarget = path === '-' ? { type: 'stderr' } : openDumpFile(path, force, rotation);
      targets.push({ format, target });
    }
    return { targets, tlsTarget: tlsPath === null ? null : openDumpFile(checkSecretName(tlsPath), force) };
  } catch (error) {
    for (const { target } of targets) removeTarget(target);
    throw error;
  }
}

/** A file that holds the login must not be taken for another. */
function checkSecretName(path: string): string {
  if (/SECRET[^/]*\.pcapng$/.test(path)) return path;
  throw new TapesError('E_DUMP_FORMAT', `${path} will hold the keys of its connections, and must say so in its name`, {
    hint: 'put SECRET into the name of the file, and end it with .pcapng: --dump-tls run-SECRET.pcapng',
  });
}

function openLogOrClean(path: string | null, targets: readonly (DumpTarget | null)[]): KeyLog | null {
  try {
    return path === null ? null : openKeyLog(path);
  } catch (error) {
    for (const target of targets) removeTarget(target);
    throw error;
  }
}

function removeTarget(target: DumpTarget | null): void {
  if (target?.type === 'file') rmSync(target.file, { force: true });
}

const folderFiles = [
  { format: 'pcapng', ending: 'pcapng' },
  { format: 'har', ending: 'har' },
  { format: 'text', ending: 'txt' },
] as const;

/** The files that one `--dump` asks for. */
function planPath(path: string, runId: string, isOnTerminal: boolean): { format: DumpFormat; path: string }[] {
  if (path === '-') {
    if (!isOnTerminal) return [{ format: 'text', path }];
    throw new TapesError('E_DUMP_UNUSABLE', '--dump - would write over what the command shows on this terminal', {
      hint: 'name a file, and read it in another terminal: --dump run.txt, tail -f run.txt',
    });
  }
  if (path.endsWith('/') || isFolder(path)) {
    makeFolder(path);
    return folderFiles.map(({ format, ending }) => ({ format, path: join(path, `${runId}.${ending}`) }));
  }
  const format = formatOfFile(path);
  if (format !== null) return [{ format, path }];
  throw new TapesError('E_DUMP_FORMAT', `the ending of ${path} names no format`, {
    hint: 'end it with .pcapng, .har, .txt or .log; with / for a folder; or name - for stderr',
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TapesError('E_DUMP_UNUSABLE', `the folder ${path} cannot be made: ${(cause as Error).message}`, {
      hint: 'name a folder that you may write',
      cause,
    });
  }
}

function sayReport({ files, dropped }: DumpReport): string[] {
  const lines = files.flatMap(({ path, bytes, files: count, problem }) => {
    if (problem !== null) return [`the dump ${problem}`];
    if (path === '-') return [];
    const where = count === 1 ? path : `${count} files beside ${path}`;
    return [`dumped ${bytes.toLocaleString('en-US')} bytes to ${where}`];
  });
  if (dropped > 0) {
    lines.push(`${dropped} events are in no dump: more came than could be written; the gaps are told in the files`);
  }
  return lines;
}
