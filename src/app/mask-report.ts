// What a bug says of itself is shown, and passed on by whoever reports it: what is known to be secret does not stand in it.
import { randomBytes } from 'node:crypto';

import { Vault } from '../redact/index.ts';
import { readArgumentSecrets, readEnvironmentSecrets } from './known-secrets.ts';

/** The user and the password of a URL. */
const userinfo = /(\w:\/\/)[^\s/?#@'"]+@/g;

/** `text` without the credentials of the command line and the environment, what is shaped like one, and the users and passwords of URLs. */
export function maskReport(
  text: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const vault = new Vault(randomBytes(32));
  for (const secret of [...readEnvironmentSecrets(environment), ...readArgumentSecrets(argv)]) vault.learn(secret);
  return vault.maskText(text.replace(userinfo, '$1***@'));
}
