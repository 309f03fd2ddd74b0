// The nameConstraints extension (RFC 5280 section 4.2.1.10) written and read: the few DER bytes that keep a root to its domains.
// Permitted: the DNS domains given (a bare domain covers its subdomains). Excluded: every IP address, since a list of
// permitted DNS names says nothing about other kinds of names.

import { derTag, encodeDer, readDer } from '../domain/index.ts';

export const nameConstraintsOid = '2.5.29.30';
const oidBytes = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);

const tag = { ...derTag, permitted: 0xa0, excluded: 0xa1, dnsName: 0x82, ipAddress: 0x87 };

/** The extension's value for a root that permits `domains` and no IP address at all. */
export function encodeNameConstraints(domains: readonly string[]): Buffer {
  const subtree = (name: Buffer): Buffer => encodeDer(tag.sequence, name);
  const permitted = domains.map((domain) => subtree(encodeDer(tag.dnsName, Buffer.from(domain, 'ascii'))));
  const excluded = [8, 32].map((sizeBytes) => subtree(encodeDer(tag.ipAddress, Buffer.alloc(sizeBytes))));
  return encodeDer(tag.sequence, encodeDer(tag.permitted, ...permitted), encodeDer(tag.excluded, ...excluded));
}

/** The permitted DNS domains of a certificate in DER; none where it has no such extension. */
export function readPermittedDomains(certificate: Buffer): string[] {
  const at = certificate.indexOf(oidBytes);
  if (at === -1) return [];
  let rest = certificate.subarray(at + oidBytes.length);
  if (rest[0] === tag.boolean) rest = rest.subarray(3);
  const constraints = contentOf(contentOf(rest, tag.octetString), tag.sequence);
  return readDer(contentOf(constraints, tag.permitted))
    .flatMap((subtree) => readDer(subtree.value))
    .filter((name) => name.tag === tag.dnsName)
    .map((name) => name.value.toString('ascii').toLowerCase());
}

function contentOf(der: Buffer, expected: number): Buffer {
  const [element] = readDer(der);
  return element?.tag === expected ? element.value : Buffer.alloc(0);
}
