// Joins our root with the roots that the user had already named in a variable that holds one file only.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
import { writeAtomically } from './atomic-file.ts';
import { splitPem } from './root-certificate.ts';

/** The certificates of a PEM file, each as its own PEM text. Throws `E_UPSTREAM_CA_INVALID`. */
export async function readCertificates(file: string, source: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new TapesError('E_UPSTREAM_CA_INVALID', `cannot read ${file}, named by ${source}: ${cause.message}`, {
      hint: `name a readable PEM file with ${source}, or leave it out`,
      cause,
    });
  });
  const blocks = splitPem(text);
  if (blocks.length === 0) {
    throw new TapesError('E_UPSTREAM_CA_INVALID', `${file}, named by ${source}, holds no PEM certificate`, {
      hint: `name a file that has a BEGIN CERTIFICATE line; look at it with: head ${shellWord(file)}`,
    });
  }
  return blocks;
}

/** Writes certificates to one file, each once. Each ends in a newline: Node and Bun ignore a whole bundle where one is missing. */
export async function writeBundle(file: string, certificates: readonly string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeAtomically(file, [...new Set(certificates.map((pem) => `${pem.trim()}\n`))].join(''), 0o600);
}

/** A run's own, or the standing proxy's. */
const bundleName = /^(?:proxy-)?bundle(?:-\w+)?\.pem$/;

/** What agents are told to trust has changed: so it does in every bundle of `folder`. Roots of others, and of one run alone, stay. */
export async function updateBundles(
  folder: string,
  { dropped, added }: { readonly dropped: readonly string[]; readonly added: readonly string[] },
): Promise<void> {
  const gone = new Set(dropped.map((pem) => pem.trim()));
  for (const name of (await readdir(folder)).filter((candidate) => bundleName.test(candidate))) {
    const file = join(folder, name);
    const held = splitPem(await readFile(file, 'utf8').catch(() => ''));
    // A run that has ended meanwhile has taken its bundle away.
    if (held.length > 0) await writeBundle(file, [...added, ...held.filter((pem) => !gone.has(pem.trim()))]);
  }
}
