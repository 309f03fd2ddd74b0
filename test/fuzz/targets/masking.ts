// Secrets in streams that are cut anywhere: none comes out, no byte is moved, and a stream is masked as the whole is.
import { StreamMasker, Vault } from '../../../src/redact/index.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqualBytes } from '../expectations.ts';

const key = Buffer.alloc(32, 7);
const secrets = ['Zx81-q7Lm+9/tR4v', 'quote" and \\ 17', '+9/tR4vabcd1'];
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImRldkBleGFtcGxlLm9yZyJ9.${'s1G-'.repeat(5)}`;
/** Most cases teach it nothing, and making one costs more than masking does. */
let known = newVault();
function newVault(): Vault {
  const vault = new Vault(key);
  for (const secret of secrets) vault.learn(secret);
  return vault;
}
const vaultOf = (): Vault => (known.size === secrets.length ? known : (known = newVault()));

export const masking: FuzzTarget = {
  name: 'stream-masker',
  samples: [
    Buffer.from(`before ${secrets[0]} between ${secrets[0]}${secrets[0]} after ${secrets[0]}abcd1`),
    Buffer.from(JSON.stringify({ out: secrets[1], again: JSON.stringify(secrets[1]) })),
    Buffer.from(`{"id_token":"${jwt}","refresh_token":"rt_9f8e7d6c5b4a39281706"} rt_9f8e7d6c5b4a39281706`),
    Buffer.from(`data: sk-proj-4f9A7c2E8b1D5a6F3e0C9b8A\n\n ${encodeURIComponent(secrets[0]!)} task-x`),
    Buffer.from(`Authorization: Basic ${Buffer.from(`user:${secrets[0]}`).toString('base64')} eyJ eyJhbGci.`),
  ],
  words: [...secrets, 'eyJ', 'sk-', 'access_token', '"access_token":"', 'access_token=', '\\"', jwt, '\\n'],
  longest: 140,
  check(fuzzed) {
    // What a field names as secret is known to the vault then, wherever it stood before the field.
    const vault = vaultOf();
    const whole = Buffer.from(vault.mask(fuzzed.input).bytes);
    const masker = new StreamMasker(vault);
    const streamed = Buffer.concat([...cutCase(fuzzed).map((chunk) => Buffer.from(masker.push(chunk))), masker.end()]);
    mustEqualBytes(streamed, whole, 'cut, the stream is masked otherwise');
    must(streamed.length === whole.length && whole.length === fuzzed.input.length, 'bytes were moved');
    for (const secret of secrets) must(!whole.includes(secret) && !streamed.includes(secret), 'a secret came out');
  },
};
