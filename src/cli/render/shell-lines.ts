// Changes of the environment as a shell takes them in, each value quoted so that nothing in it is read as anything else.
import type { VariableChange } from '../../app/proxy-environment.ts';

export const shells = ['sh', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

/** One line for each change. */
export function renderChanges(changes: readonly VariableChange[], shell: Shell): string[] {
  return changes.map(({ name, value }) => (value === null ? unset(name, shell) : set(name, value, shell)));
}

/** What to type to have the output of `command` taken in. */
export function renderEvaluation(command: string, shell: Shell): string {
  switch (shell) {
    case 'sh':
      return `eval "$(${command})"`;
    case 'fish':
      return `${command} | source`;
    case 'powershell':
      return `${command} | Out-String | Invoke-Expression`;
  }
}

/** The shell that this environment is of, most likely. */
export function guessShell(environment: Readonly<Record<string, string | undefined>>, platform: string): Shell {
  if (platform === 'win32') return 'powershell';
  const name = (environment['SHELL'] ?? '').split('/').at(-1) ?? '';
  if (name === 'fish') return 'fish';
  // PowerShell exports this to what it starts; elsewhere than on Windows nothing else does.
  return name === 'pwsh' || environment['PSModulePath'] !== undefined ? 'powershell' : 'sh';
}

function set(name: string, value: string, shell: Shell): string {
  switch (shell) {
    case 'sh':
      return `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`;
    case 'fish':
      return `set -gx ${name} '${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
    case 'powershell':
      // Typographic quotes end a string there, too (about_Quoting_Rules).
      return `$env:${name} = '${value.replaceAll(/['\u2018\u2019\u201A\u201B]/g, '$&$&')}'`;
  }
}

function unset(name: string, shell: Shell): string {
  switch (shell) {
    case 'sh':
      return `unset ${name}`;
    case 'fish':
      return `set -e ${name}`;
    case 'powershell':
      return `Remove-Item Env:${name} -ErrorAction SilentlyContinue`;
  }
}
