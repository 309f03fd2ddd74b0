// The edge of trust stores: runs command lines, with root rights only where a step needs them, and looks whether a root is there.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

import { shellWord } from '../../domain/index.ts';
import type { Facts, Probe, Step } from './trust-plan.ts';

/** How long a program may take that asks nobody anything. With sudo there is no limit: a person is typing. */
const timeoutMs = 120_000;

/** What is run: with sudo (else doas) before it where root rights are needed and this process has none. Null: there is neither. */
export function commandLine({ argv, needsRoot }: Step, facts: Facts): readonly string[] | null {
  if (!needsRoot || facts.isRoot || facts.platform === 'win32') return argv;
  const elevate = ['sudo', 'doas'].find((name) => facts.programs.has(name));
  return elevate === undefined ? null : [elevate, ...argv];
}

/** As it can be typed into a shell. */
export const typedCommand = (argv: readonly string[], platform: NodeJS.Platform): string =>
  argv.map((word) => shellWord(word, platform)).join(' ');

export interface Ended {
  /** Null: it could not be started, or was ended. */
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs a program to its end. Its stdin is empty: whoever wants to ask (sudo) asks at the terminal. */
export function runCommand(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  const [file = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      // What programs say is read: in English, whatever the user speaks.
      env: { ...environment, LC_ALL: 'C', LANGUAGE: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(['sudo', 'doas'].includes(file) ? {} : { timeout: timeoutMs }),
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      if (output.length < 1_000_000) output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => resolve({ exitCode: null, output: error.message }));
    child.once('close', (exitCode) => resolve({ exitCode, output }));
  });
}

/**
 * absent: nothing is there under the root's name. there: our root is, and counts. stale: it is there, and does not count (yet).
 * foreign: something else has that name. unknown: the store could not be asked.
 */
export type Presence = 'absent' | 'there' | 'stale' | 'foreign' | 'unknown';

export async function probe(what: Probe, certificatePem: string): Promise<Presence> {
  if (what.type === 'file') {
    const stored = await readFile(what.file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
    const isInBundle = bare(await readFile(what.bundle, 'utf8').catch(() => '')).includes(bare(certificatePem));
    if (stored instanceof Error) {
      if (stored.code !== 'ENOENT' && stored.code !== 'ENOTDIR') return 'unknown';
      return isInBundle ? 'stale' : 'absent';
    }
    if (bare(stored) !== bare(certificatePem)) return 'foreign';
    return isInBundle ? 'there' : 'stale';
  }
  const { exitCode, output } = await runCommand(what.argv);
  const has = (text: string): boolean => bare(output).includes(bare(text));
  if (exitCode === 0) {
    if (has(what.shows)) return 'there';
    return what.mentions !== undefined && has(what.mentions) ? 'stale' : what.otherwise;
  }
  const isMissing = /not find|not found|does not exist|NOT_FOUND|0x80092004/i.test(output);
  return isMissing ? 'absent' : 'unknown';
}

/** Programs break lines and write hexadecimal as they like. */
const bare = (text: string): string => text.replaceAll(/\s/g, '').toLowerCase();
