// Runs events through a dump's writer, into a file of the test's own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import type { DumpEvent, DumpOrigin, DumpWriter, LabelReader } from '../../src/dump/index.ts';

export const originOfTests: DumpOrigin = {
  version: '0.1.0',
  hostname: 'devbox',
  os: 'Linux 6.1',
  hardware: 'x64',
  command: 'codex exec "list the files"',
  runId: 'run1',
};

/** Every POST is a call of one turn. */
export const labelOfTests: LabelReader = (exchangeId, { method }) =>
  method === 'POST' ? { callId: exchangeId, turnId: 'turn1' } : null;

export async function writeDump(writer: DumpWriter, events: readonly DumpEvent[]): Promise<Buffer> {
  const parts = [writer.start()];
  for (const event of events) parts.push(await writer.write(event));
  parts.push(await writer.finish(true), writer.tail);
  return Buffer.concat(parts);
}

/** A folder that is gone after the test. */
export function freshDumpFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-dump-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function dumpFile(name: string, bytes: Uint8Array): string {
  const file = join(freshDumpFolder(), name);
  writeFileSync(file, bytes);
  return file;
}
