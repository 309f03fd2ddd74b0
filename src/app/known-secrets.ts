// The credentials that can be known before an agent has sent any: those in its login file, in the environment that it inherits and on its
// command line.
import { readFile } from 'node:fs/promises';

const credentialName =
  /(^|[_-])(tokens?|secret|passw(or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$/i;
const minimumLength = 12;

/** Is a variable or a field of this name a credential? */
export const namesCredential = (name: string): boolean => credentialName.test(name);

/** Values of variables that are named like credentials. */
export function readEnvironmentSecrets(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && namesCredential(name) && isCredential(value) ? [value] : [],
  );
}

const namedHeader = /^((?:proxy-)?authorization|cookie|[\w-]*[-_](?:key|token|secret))\s*:\s*(.+)$/i;
const namedValue = /^-*([\w-]+)=(.+)$/;
const optionName = /^--?([\w-]+)$/;

/** Values that stand behind such a name: `--api-key VALUE`, `--token=VALUE`, `API_KEY=VALUE`, `authorization: Bearer VALUE`, `cookie: name=VALUE`. */
export function readArgumentSecrets(argv: readonly string[]): string[] {
  return argv
    .flatMap((argument, at) => {
      const [, header = '', field = ''] = namedHeader.exec(argument) ?? [];
      if (header.toLowerCase() === 'cookie')
        return field.split(/;\s*/).map((pair) => pair.slice(pair.indexOf('=') + 1));
      if (header !== '') return [field.trim().split(/\s+/).at(-1) ?? ''];
      const [, name = '', value = ''] = namedValue.exec(argument) ?? [];
      if (name !== '') return namesCredential(name) ? [value] : [];
      const [, option = ''] = optionName.exec(argument) ?? [];
      const next = argv[at + 1];
      return namesCredential(option) && next !== undefined && !next.startsWith('-') ? [next] : [];
    })
    .filter(isCredential);
}

/** Values in a JSON login file that are named like credentials; none where it cannot be read. */
export async function readLoginSecrets(file: string): Promise<string[]> {
  try {
    const found: string[] = [];
    collect(JSON.parse(await readFile(file, 'utf8')), found);
    return found;
  } catch {
    return []; // no login yet, or one that is not JSON: what the agent then sends is still masked by its headers
  }
}

function collect(value: unknown, found: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'string') collect(member, found);
    else if (namesCredential(name) && isCredential(member)) found.push(member);
  }
}

// A path or a URL under such a name says where a credential is, not what it is.
const isCredential = (value: string): boolean => value.length >= minimumLength && !/^(\/|~|https?:)/.test(value);
