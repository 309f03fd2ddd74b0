// The certificates that agents are shown, one for each host, below the root (RFC 5280). mockttp makes its own with a library of 90 ms, and gives
// each process an RSA key that takes 40 to 400 ms more; here it is one signature, and one key on P-256 (1 ms) for all of a process, which every
// TLS 1.2 client of the last decade takes.
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import { certificateSerialNumber, derTag, encodeDer, readDer } from '../domain/index.ts';

/** As mockttp asks for it: PEM. */
export interface LeafCertificate {
  readonly key: string;
  readonly cert: string;
  /** The root's. */
  readonly ca: string;
  readonly expiresAt: Date;
}

const dayMs = 86_400_000;
/** Clocks differ. */
const startsBeforeMs = dayMs;
/** From 2029 on, verifiers take no more than 47 days from a public authority. */
const lifetimeMs = 45 * dayMs;

/** Contents of object identifiers. */
const oid = {
  commonName: '550403',
  subjectKeyIdentifier: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  authorityKeyIdentifier: '551d23',
  extKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  sha256WithRsaEncryption: '2a864886f70d01010b',
  ecdsaWithSha256: '2a8648ce3d040302',
} as const;

const { sequence, set } = derTag;
const explicit = (number: number): number => 0xa0 + number;
const implicit = (number: number): number => 0x80 + number;
const id = (name: keyof typeof oid): Buffer => encodeDer(derTag.objectIdentifier, Buffer.from(oid[name], 'hex'));
const yes = encodeDer(derTag.boolean, Buffer.of(0xff));
const digitalSignature = Buffer.of(7, 0x80);

const signInPool = promisify(sign);

let leafKey: { readonly pem: string; readonly spki: Buffer } | null = null;

/** Signs with a root's key, RSA or on an elliptic curve. Throws what Node throws where one of both cannot be read. */
export class LeafCertificates {
  readonly #rootPem: string;
  readonly #rootKey: KeyObject;
  readonly #algorithm: Buffer;
  readonly #issuer: Buffer;
  /** Points at the root's key; none where the root does not name it. */
  readonly #authorityKey: readonly Buffer[];

  constructor(rootPem: string, rootKeyPem: string) {
    this.#rootPem = rootPem;
    this.#rootKey = createPrivateKey(rootKeyPem);
    this.#algorithm =
      this.#rootKey.asymmetricKeyType === 'ec'
        ? encodeDer(sequence, id('ecdsaWithSha256'))
        : encodeDer(sequence, id('sha256WithRsaEncryption'), encodeDer(derTag.null));
    const { subject, keyId } = readIssuer(new X509Certificate(rootPem).raw);
    this.#issuer = subject;
    this.#authorityKey =
      keyId === null
        ? []
        : [extension('authorityKeyIdentifier', false, encodeDer(sequence, encodeDer(implicit(0), keyId)))];
  }

  /** Rejects for a name that no certificate can have. */
  async generateCertificate(host: string, now = new Date()): Promise<LeafCertificate> {
    leafKey ??= makeKey();
    const name = nameFor(host);
    const notBefore = new Date(now.getTime() - startsBeforeMs);
    const expiresAt = new Date(notBefore.getTime() + lifetimeMs);
    // A common name has 64 characters at most, and is no wildcard; who verifies looks at the alternative name.
    const commonName = name.length > 64 || name.startsWith('*') ? [] : [commonNameOf(name)];
    const content = encodeDer(
      sequence,
      encodeDer(explicit(0), encodeDer(derTag.integer, Buffer.of(2))),
      encodeDer(derTag.integer, certificateSerialNumber()),
      this.#algorithm,
      this.#issuer,
      encodeDer(sequence, encodeTime(notBefore), encodeTime(expiresAt)),
      encodeDer(sequence, ...commonName),
      leafKey.spki,
      encodeDer(explicit(3), encodeDer(sequence, ...this.#extensions(name, commonName.length === 0))),
    );
    const signature = await signInPool('sha256', content, this.#rootKey);
    const certificate = encodeDer(
      sequence,
      content,
      this.#algorithm,
      encodeDer(derTag.bitString, Buffer.of(0), signature),
    );
    return { key: leafKey.pem, cert: pemOf(certificate), ca: this.#rootPem, expiresAt };
  }

  #extensions(name: string, hasNoSubject: boolean): Buffer[] {
    const alternativeName = encodeDer(sequence, encodeDer(implicit(2), Buffer.from(name, 'ascii')));
    return [
      extension('basicConstraints', true, encodeDer(sequence)),
      extension('keyUsage', true, encodeDer(derTag.bitString, digitalSignature)),
      extension('extKeyUsage', false, encodeDer(sequence, id('serverAuth'))),
      extension('subjectAltName', hasNoSubject, alternativeName),
      ...this.#authorityKey,
    ];
  }
}

const extension = (name: keyof typeof oid, isCritical: boolean, value: Buffer): Buffer =>
  encodeDer(sequence, id(name), ...(isCritical ? [yes] : []), encodeDer(derTag.octetString, value));

const commonNameOf = (name: string): Buffer =>
  encodeDer(set, encodeDer(sequence, id('commonName'), encodeDer(derTag.utf8String, Buffer.from(name, 'ascii'))));

/** The leaf's issuer has to be the root's subject to the byte. */
function readIssuer(root: Buffer): { readonly subject: Buffer; readonly keyId: Buffer | null } {
  const content = readDer(readDer(readDer(root)[0]?.value ?? root)[0]?.value ?? root);
  // Version, serial number, algorithm, issuer, validity, subject, public key, extensions.
  const subject = content[5]?.bytes ?? Buffer.alloc(0);
  const extensions = readDer(content.find(({ tag }) => tag === explicit(3))?.value ?? Buffer.alloc(0));
  const found = readDer(extensions[0]?.value ?? Buffer.alloc(0))
    .map(({ value }) => readDer(value))
    .find(([type]) => type?.value.toString('hex') === oid.subjectKeyIdentifier);
  return { subject, keyId: readDer(found?.at(-1)?.value ?? Buffer.alloc(0))[0]?.value ?? null };
}

/** No certificate may name a host with an underscore; a wildcard may stand for its first label. */
function nameFor(host: string): string {
  if (!host.includes('_')) return host;
  const [, ...parents] = host.split('.');
  if (parents.length < 2 || parents.some((label) => label.includes('_'))) {
    throw new Error(`no certificate can name ${host}: it has an underscore`);
  }
  return ['*', ...parents].join('.');
}

/** Two digits of the year up to 2049, four from then on (section 4.1.2.5). */
function encodeTime(time: Date): Buffer {
  const digits = time.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return time.getUTCFullYear() < 2050
    ? encodeDer(derTag.utcTime, Buffer.from(digits.slice(2), 'ascii'))
    : encodeDer(derTag.generalizedTime, Buffer.from(digits, 'ascii'));
}

function makeKey(): { readonly pem: string; readonly spki: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  return { pem: privateKey, spki: publicKey };
}

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
