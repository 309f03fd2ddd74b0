import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { profiles } from '../agents/index.ts';
import { openRunDump, type DumpRequest } from './live-dump.ts';

const run = { runId: 'run1', profiles, argv: ['codex'], environment: {}, maskKey: new Uint8Array(32) };

function requestFor(paths: readonly string[], isOnTerminal: boolean): DumpRequest {
  return {
    paths,
    force: false,
    bodies: 'full',
    keepSecrets: false,
    keepZstd: false,
    rotation: null,
    tlsPath: null,
    keyLogPath: null,
    isOnTerminal,
  };
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-dump-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('refuses text on stderr where the command is on a terminal, says what to do instead, and leaves nothing behind', async () => {
  const folder = freshFolder();
  await expect(openRunDump(requestFor([join(folder, 'run.har'), '-'], true), run)).rejects.toMatchObject({
    code: 'E_DUMP_UNUSABLE',
    message: '--dump - would write over what the command shows on this terminal',
    hint: 'name a file, and read it in another terminal: --dump run.txt, tail -f run.txt',
  });
  expect(readdirSync(folder)).toEqual([]);
});

it('takes its files away where the command never ran', async () => {
  const folder = freshFolder();
  const dump = await openRunDump(requestFor([join(folder, 'run.txt'), `${folder}/all/`], false), run);
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
    'all',
    'all/run1.har',
    'all/run1.pcapng',
    'all/run1.txt',
    'run.txt',
  ]);
  await dump!.discard();
  expect(readdirSync(folder, { recursive: true })).toEqual(['all']);
});
