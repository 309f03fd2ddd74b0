// The files of a dump on a real disk: whole after every write, private, in rings, and never somebody else's.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { freshDumpFolder } from '../../../test/support/dump-script.ts';
import { DumpFile, openDumpFile } from './dump-file.ts';

const tail = Buffer.from(']');

describe('a dump file', () => {
  it('is whole after every flush, private, and as long as it says', () => {
    const path = join(freshDumpFolder(), 'a.har');
    const file = new DumpFile(openDumpFile(path, false), tail);
    for (const [part, whole] of [
      ['[', '[]'],
      ['1', '[1]'],
      [',2', '[1,2]'],
    ] as const) {
      file.write(Buffer.from(part));
      file.flush();
      expect(readFileSync(path, 'utf8')).toBe(whole);
    }
    expect(file.close()).toEqual({ path, bytes: 5, files: 1, problem: null });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is not opened over another without being told to, and then is private, too', () => {
    const path = join(freshDumpFolder(), 'a.txt');
    writeFileSync(path, 'a long text of mine', { mode: 0o644 });
    expect(() => openDumpFile(path, false)).toThrow(expect.objectContaining({ code: 'E_DUMP_EXISTS' }));
    expect(readFileSync(path, 'utf8')).toBe('a long text of mine');
    const file = new DumpFile(openDumpFile(path, true), new Uint8Array(0));
    file.write(Buffer.from('new'));
    file.close();
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const fresh = join(freshDumpFolder(), 'b.txt');
    new DumpFile(openDumpFile(fresh, true), tail).close();
    expect(existsSync(fresh)).toBe(true);
  });

  it('is not made of what is no file', () => {
    const folder = freshDumpFolder();
    mkdirSync(join(folder, 'd.txt'));
    for (const path of [join(folder, 'd.txt'), '/dev/null', join(folder, 'none', 'a.txt')]) {
      expect(() => openDumpFile(path, true)).toThrow(expect.objectContaining({ code: 'E_DUMP_UNUSABLE' }));
    }
  });

  it('is followed by others, each with its beginning and end; the newest are kept', () => {
    const folder = freshDumpFolder();
    const at = Date.UTC(2026, 10, 25, 9, 18, 27);
    const target = openDumpFile(join(folder, 'a.har'), false, { maxBytes: 10, maxFiles: 2 }, at);
    const file = new DumpFile(target, tail);
    file.write(Buffer.from('['));
    for (let number = 1; number <= 8; number += 1) {
      file.write(Buffer.from(`${number},${number},`));
      if (file.isFull) file.rotate(Buffer.from('end'), Buffer.from('['), at + number * 1000);
    }
    const report = file.close();
    expect(report).toMatchObject({ files: 3, problem: null });
    expect(readdirSync(folder).sort()).toEqual(['a_00002_20261125091830.har', 'a_00003_20261125091833.har']);
    expect(readFileSync(join(folder, 'a_00002_20261125091830.har'), 'utf8')).toBe('[4,4,5,5,6,6,end]');
    expect(readFileSync(join(folder, 'a_00003_20261125091833.har'), 'utf8')).toBe('[7,7,8,8,]');
  });
});
