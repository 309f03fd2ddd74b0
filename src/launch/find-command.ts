// Finds the child's program before anything is set up, so that a mistyped name costs nothing and gets the exit code a shell would give.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

import { shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';

/** The file that `command` names, looked up as a shell would. Throws `E_COMMAND_NOT_FOUND` (127), `E_COMMAND_NOT_EXECUTABLE` (126). */
export async function findCommand(
  command: string,
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<string> {
  const hasFolder = command.includes('/') || (process.platform === 'win32' && command.includes('\\'));
  const folders = hasFolder
    ? ['']
    : (environment['PATH'] ?? environment['Path'] ?? '').split(delimiter).map((folder) => folder || '.');
  let found: string | null = null;
  for (const folder of folders) {
    for (const ending of endings(environment)) {
      const file = isAbsolute(command) ? command + ending : resolve(cwd, join(folder, command + ending));
      const kind = await look(file);
      if (kind === 'runnable') return file;
      if (kind === 'there') found ??= file;
    }
  }
  if (found !== null) {
    throw new TapesError('E_COMMAND_NOT_EXECUTABLE', `${found} cannot be executed`, {
      hint: `look at it with: ls -ld ${shellWord(found)}`,
    });
  }
  throw new TapesError('E_COMMAND_NOT_FOUND', `command not found: ${command}`, {
    hint: hasFolder
      ? `look for it with: ls -l ${command}`
      : `is it installed, and on your PATH? try: command -v ${command}`,
  });
}

function endings(environment: Readonly<Record<string, string | undefined>>): string[] {
  if (process.platform !== 'win32') return [''];
  return ['', ...(environment['PATHEXT'] ?? '.COM;.EXE;.BAT;.CMD').split(';')];
}

async function look(file: string): Promise<'runnable' | 'there' | 'missing'> {
  try {
    if ((await stat(file)).isDirectory()) return file.endsWith('/') ? 'there' : 'missing';
    await access(file, constants.X_OK);
    return 'runnable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'there' : 'missing';
  }
}
