import { afterEach, describe, expect, it } from 'vitest';

import { asTyped, asTypedDocument, knowCommandLine } from './typed-command.ts';

const names = ['ca', 'env', 'intercept', 'show'];
afterEach(() => knowCommandLine([], () => ({})));

describe('a command to type', () => {
  it('is as it is where the command line names no place', () => {
    knowCommandLine(names, () => ({}));
    expect(asTyped('renew it: tapes ca rotate')).toBe('renew it: tapes ca rotate');
  });

  it('names the home and the database of this command line, for a shell', () => {
    knowCommandLine(names, () => ({ home: '/my files/t', db: '/x/a.db' }));
    const places = `--home '/my files/t' --db /x/a.db`;
    expect(asTyped('tapes ca status · take it out: tapes ca uninstall')).toBe(
      `tapes ${places} ca status · take it out: tapes ${places} ca uninstall`,
    );
    expect(asTyped('eval "$(tapes env)"')).toBe(`eval "$(tapes ${places} env)"`);
    expect(asTyped('use `tapes env`')).toBe(`use \`tapes ${places} env\``);
    expect(asTyped('JAVA_HOME=/jdk tapes ca install')).toBe(`JAVA_HOME=/jdk tapes ${places} ca install`);
  });

  it('is whole in another folder, too', () => {
    knowCommandLine(names, () => ({ home: 'here' }));
    expect(asTyped('tapes show 01a2')).toBe(`tapes --home ${process.cwd()}/here show 01a2`);
  });

  it('that names a home itself stays as it is, and so does what is no command', () => {
    knowCommandLine(names, () => ({ home: '/t' }));
    for (const text of [
      'tapes intercept --home DIR …',
      'tapes --home DIR ca status',
      'another tapes can do it',
      '/opt/tapes ca/root.pem',
      'for agents that tapes does not start',
    ])
      expect(asTyped(text)).toBe(text);
  });

  it('is so in a document of findings, but for its facts', () => {
    knowCommandLine(names, () => ({ home: '/t' }));
    expect(
      asTypedDocument({
        stores: [{ label: 'tapes ca', next: 'tapes ca install', hint: null, commands: ['tapes ca x'] }],
      }),
    ).toEqual({
      stores: [
        { label: 'tapes ca', next: 'tapes --home /t ca install', hint: null, commands: ['tapes --home /t ca x'] },
      ],
    });
  });
});
