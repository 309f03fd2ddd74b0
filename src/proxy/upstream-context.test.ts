// Who is trusted upstream, told by real handshakes. A root of Node's own list cannot sign for a test, but one that goes by its name can be made:
// where the real one is in the list, its impostor's signature is wrong; where it is not, the issuer is unknown.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, createServer, rootCertificates, type SecureContext } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { afterEach, expect, it, vi } from 'vitest';

import { makeLeaf, makeRoot, type Leaf } from '../../test/support/certificates.ts';
import { contextTrusting } from './upstream-context.ts';

const dayMs = 86_400_000;
const own = makeRoot('a root of the user', new Date(Date.now() - dayMs), new Date(Date.now() + dayMs));
const other = makeRoot('another root', new Date(Date.now() - dayMs), new Date(Date.now() + dayMs));

afterEach(() => vi.unstubAllEnvs());

/** A leaf that names a root of Node's list as its issuer, signed by somebody else. */
function impostor(): Leaf {
  const famous = rootCertificates.find((pem) => /CN=ISRG Root X1/.test(new X509Certificate(pem).subject))!;
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const leaf = forge.pki.createCertificate();
  leaf.publicKey = keys.publicKey;
  leaf.serialNumber = '01';
  leaf.validity.notBefore = new Date(Date.now() - dayMs);
  leaf.validity.notAfter = new Date(Date.now() + dayMs);
  leaf.setSubject([{ shortName: 'CN', value: 'localhost' }]);
  leaf.setIssuer(forge.pki.certificateFromPem(famous).subject.attributes);
  leaf.sign(forge.pki.rsa.generateKeyPair(2048).privateKey, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(leaf), key: forge.pki.privateKeyToPem(keys.privateKey) };
}

async function judge(context: SecureContext, leaf: Leaf): Promise<string> {
  // With a `ca` of its own: else the server would send the root that it finds in Node's list along.
  const server = createServer({ ...leaf, ca: leaf.cert }, (socket) => socket.resume());
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    secureContext: context,
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const { authorized, authorizationError } = socket;
  socket.destroy();
  server.close();
  return authorized ? 'trusted' : String((authorizationError as { code?: string }).code ?? authorizationError);
}

it.each([
  ['as Node has it', {}],
  ['where a variable adds to it', { NODE_EXTRA_CA_CERTS: '/nowhere/extra.pem' }],
])("trusts Node's own list and what is named besides, and nobody else: %s", async (_what, variables) => {
  vi.stubEnv('NODE_EXTRA_CA_CERTS', '');
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const made = impostor();
  const context = contextTrusting([own.certificatePem], {});
  expect(await judge(context, makeLeaf(own, ['localhost']))).toBe('trusted');
  expect(await judge(context, makeLeaf(other, ['localhost']))).not.toBe('trusted');
  expect(await judge(context, made)).toBe('CERT_SIGNATURE_FAILURE');
  // The same without Node's list.
  expect(await judge(createSecureContext({ ca: own.certificatePem }), made)).not.toBe('CERT_SIGNATURE_FAILURE');
});

it('does not tell other contexts of what is named for one', async () => {
  vi.stubEnv('NODE_EXTRA_CA_CERTS', '');
  contextTrusting([own.certificatePem], {});
  expect(await judge(contextTrusting([other.certificatePem], {}), makeLeaf(own, ['localhost']))).not.toBe('trusted');
  expect(await judge(contextTrusting([], {}), makeLeaf(own, ['localhost']))).not.toBe('trusted');
});
