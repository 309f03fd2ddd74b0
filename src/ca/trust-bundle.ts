// Joins our root with the roots that the user had already named in a variable that holds one file only.
import { chmod, readFile, writeFile } from 'node:fs/promises';

import { shellWord } from '../domain/index.ts';
import { TapesError } from '../errors.ts';
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

/** Writes certificates to one file. Each ends in a newline: Node and Bun ignore a whole bundle where one is missing. */
export async function writeBundle(file: string, certificates: readonly string[]): Promise<void> {
  await writeFile(file, certificates.map((pem) => `${pem.trim()}\n`).join(''), { mode: 0o600 });
  await chmod(file, 0o600);
}
