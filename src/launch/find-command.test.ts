import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findCommand } from './find-command.ts';

let folder: string;
const find = (command: string, path = `${join(folder, 'bin')}:${join(folder, 'more')}`): Promise<string> =>
  findCommand(command, { PATH: path }, folder);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tapes-find-')));
  for (const name of ['bin', 'more', 'bin/folder']) await mkdir(join(folder, name));
  for (const [name, mode] of [
    ['more/tool', 0o755],
    ['bin/flat', 0o644],
    ['more/flat', 0o755],
    ['bin/only-flat', 0o644],
    ['my tool', 0o755],
  ] as const) {
    await writeFile(join(folder, name), '#!/bin/sh\n');
    await chmod(join(folder, name), mode);
  }
  await symlink(join(folder, 'more/tool'), join(folder, 'bin/link'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('findCommand', () => {
  it('looks through PATH in order, past files that cannot be executed, and through links', async () => {
    expect(await find('tool')).toBe(join(folder, 'more/tool'));
    expect(await find('flat')).toBe(join(folder, 'more/flat'));
    expect(await find('link')).toBe(join(folder, 'bin/link'));
  });

  it('takes a name with a slash from the working folder, spaces and all', async () => {
    expect(await find('./my tool')).toBe(join(folder, 'my tool'));
    expect(await find(join(folder, 'my tool'))).toBe(join(folder, 'my tool'));
  });

  it('says 127 of what is not there, and 126 of what cannot be executed', async () => {
    await expect(find('missing')).rejects.toMatchObject({
      code: 'E_COMMAND_NOT_FOUND',
      exitCode: 127,
      hint: expect.stringContaining('missing'),
    });
    await expect(find('./missing')).rejects.toMatchObject({ exitCode: 127 });
    await expect(find('folder')).rejects.toMatchObject({ exitCode: 127 });
    await expect(find('only-flat')).rejects.toMatchObject({ code: 'E_COMMAND_NOT_EXECUTABLE', exitCode: 126 });
    await expect(find('tool', '')).rejects.toMatchObject({ exitCode: 127 });
  });
});
