// What is printed for a shell is taken in by that shell as it was meant, whatever is in it. Shells that are not installed are told by a table.
import { execFileSync, spawnSync } from 'node:child_process';

import { describe, expect, it, test } from 'vitest';

import { guessShell, renderChanges, renderEvaluation, type Shell } from './shell-lines.ts';

const values = [
  'http://tapes:0123456789abcdef@127.0.0.1:8080',
  '',
  ' two  blanks ',
  "it's",
  'a "quote" and \\ and \\\\ and \\\'',
  '$HOME ${HOME} $(id) `id` %PATH% $env:HOME',
  '*; echo no & echo no | cat > x # not a comment',
  'line\nline',
  'typographic ‘quotes’ ‚and‛ “more”',
  '-n',
  '!history',
  '~/file',
  'C:\\Users\\dev\\root.pem',
  'ünïcödé 字',
];

const lines = (shell: Shell): string =>
  renderChanges(
    values.map((value, at) => ({ name: `V${at}`, value })),
    shell,
  ).join('\n');
const print = `process.stdout.write(JSON.stringify(${JSON.stringify(values.map((_, at) => `V${at}`))}.map((n) => process.env[n])))`;
const hasProgram = (name: string): boolean => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;

describe('each value comes through', () => {
  const env = { PATH: process.env['PATH'], HOME: '/nowhere', NODE: process.execPath, PRINT: print };
  const through = (program: string, args: readonly string[], script: string): unknown =>
    JSON.parse(execFileSync(program, [...args, script], { env, encoding: 'utf8' }));

  test('bash', ({ skip }) => {
    skip(!hasProgram('bash'), 'bash is not installed');
    expect(through('bash', ['-c'], `${lines('sh')}\n"$NODE" -e "$PRINT"`)).toEqual(values);
  });
  test('sh, by eval of what a program prints', () => {
    const script = `eval "$("$NODE" -e 'process.stdout.write(process.env.LINES_TO_SET)')"\n"$NODE" -e "$PRINT"`;
    const out = execFileSync('sh', ['-c', script], { env: { ...env, LINES_TO_SET: lines('sh') }, encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual(values);
  });
  test('fish', ({ skip }) => {
    skip(!hasProgram('fish'), 'fish is not installed');
    expect(through('fish', ['--no-config', '-c'], `${lines('fish')}\n$NODE -e $PRINT`)).toEqual(values);
  });
  test('PowerShell', ({ skip }) => {
    skip(
      !hasProgram('pwsh'),
      'PowerShell is not installed, and no Debian package has it: the table below has its lines',
    );
    // An empty variable is no variable there.
    const expected = values.map((value) => (value === '' ? null : value));
    expect(through('pwsh', ['-NoProfile', '-Command'], `${lines('powershell')}\n& $env:NODE -e $env:PRINT`)).toEqual(
      expected,
    );
  });
});

test.each<[Shell, string, string | null, string]>([
  ['sh', 'A', "it's", String.raw`export A='it'\''s'`],
  ['sh', 'A', null, 'unset A'],
  ['fish', 'A', String.raw`it's \ here`, String.raw`set -gx A 'it\'s \\ here'`],
  ['fish', 'A', null, 'set -e A'],
  ['powershell', 'A', 'it\'s ‘so’ $env:B `n "x"', "$env:A = 'it''s ‘‘so’’ $env:B `n \"x\"'"],
  ['powershell', 'A', null, 'Remove-Item Env:A -ErrorAction SilentlyContinue'],
])('%s: %s = %j', (shell, name, value, line) => {
  expect(renderChanges([{ name, value }], shell)).toEqual([line]);
});

it.each<[object, string, Shell]>([
  [{ SHELL: '/bin/bash' }, 'linux', 'sh'],
  [{ SHELL: '/usr/bin/zsh' }, 'darwin', 'sh'],
  [{}, 'linux', 'sh'],
  [{ SHELL: '/usr/bin/fish' }, 'linux', 'fish'],
  [{ SHELL: '/opt/microsoft/powershell/7/pwsh' }, 'linux', 'powershell'],
  [{ SHELL: '/bin/bash', PSModulePath: '/opt/modules' }, 'linux', 'powershell'],
  [{ SHELL: '/usr/bin/bash' }, 'win32', 'powershell'],
])('guesses of %j on %s: %s', (environment, platform, shell) => {
  expect(guessShell(environment as Record<string, string>, platform)).toBe(shell);
});

test('says how each shell takes it in', () => {
  expect(renderEvaluation('tapes env', 'sh')).toBe('eval "$(tapes env)"');
  expect(renderEvaluation('tapes env', 'fish')).toBe('tapes env | source');
  expect(renderEvaluation('tapes env', 'powershell')).toBe('tapes env | Out-String | Invoke-Expression');
});
