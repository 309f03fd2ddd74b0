// The documents say what the program does: every command, option and error code is documented, and what README tells to type runs.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../src/cli/main.ts';
import { errorTable, exitCodes } from '../src/errors.ts';

const top = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(top, file), 'utf8');

describe('docs/errors.md', () => {
  it('has every error code with its exit code and meaning, and no other', () => {
    const documented = [...read('docs/errors.md').matchAll(/^\| `(E_\w+)` \| (\d+) \| (.+) \|$/gm)].map(
      ([, code, exitCode, meaning]) => [code, Number(exitCode), meaning],
    );
    expect(documented).toEqual(
      Object.entries(errorTable).map(([code, { exitCode, meaning }]) => [code, exitCode, meaning]),
    );
  });

  it('has every exit code', () => {
    for (const exitCode of Object.values(exitCodes)) expect(read('docs/errors.md')).toContain(`| ${exitCode} |`);
  });

  it('is true of the code: every error code is thrown somewhere', () => {
    const sources = readdirSync(join(top, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'errors.ts')
      .map((file) => read(join('src', file)))
      .join('\n');
    expect(Object.keys(errorTable).filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
  });
});

describe('docs/cli.md', () => {
  const program = buildProgram();

  it.each(program.commands.map((command) => [command.name(), command] as const))(
    'has a section for `tapes %s` with each of its options',
    (name, command) => {
      const section =
        read('docs/cli.md')
          .split(/^## /m)
          .find((text) => text.startsWith(`tapes ${name}`)) ?? '';
      const common = ['--home', '--db'];
      const missing = [command, ...command.commands]
        .flatMap(({ options }) => options)
        .filter(({ long }) => !common.includes(long!) && !section.includes(`\`${long}`))
        .map(({ flags }) => flags);
      expect({ found: section !== '', missing }).toEqual({ found: true, missing: [] });
    },
  );

  it('has every command below a command, with an example in its help', () => {
    for (const command of program.commands) {
      for (const below of command.commands) {
        expect(read('docs/cli.md')).toContain(`\`tapes ${command.name()} ${below.name()}`);
        let help = '';
        below.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
        expect(help).toMatch(/Examples?:\n {2}\$ tapes|Examples?:\n {2}\$ \w+=/);
      }
    }
  });
});

describe('README.md', () => {
  it('names commands and options that exist', () => {
    const known = new Map(
      buildProgram().commands.map((command) => [
        command.name(),
        [command, ...command.commands].flatMap(({ options }) => options.map(({ long }) => long)),
      ]),
    );
    const typed = [...read('README.md').matchAll(/^ {4}(?:\$ )?tapes (\w+)([^\n]*)$/gm)];
    expect(typed.length).toBeGreaterThan(3);
    for (const [, name = '', rest = ''] of typed) {
      expect([...known.keys()]).toContain(name);
      const [own = ''] = rest.split(' -- ');
      for (const [option] of own.matchAll(/--[a-z-]+/g)) expect(known.get(name)).toContain(option);
    }
  });

  it('has the two commands, which package.json knows', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(read('README.md')).toContain('npm ci && npm run demo');
    expect(read('README.md')).toContain('npm ci && npm test');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
  });
});

describe('links between documents', () => {
  it('lead to files that are there', () => {
    const documents = [
      'README.md',
      'ARCHITECTURE.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'certs/README.md',
      ...readdirSync(join(top, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .map((file) => `docs/${file}`),
    ];
    for (const document of documents) {
      for (const [, target = ''] of read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(() => statSync(resolve(top, dirname(document), target)), `${document} → ${target}`).not.toThrow();
      }
    }
  });
});
