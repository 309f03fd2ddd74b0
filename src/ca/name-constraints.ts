// The nameConstraints extension (RFC 5280 section 4.2.1.10) written and read: the few DER bytes that keep a root to its domains.
// Permitted: the DNS domains given (a bare domain covers its subdomains). Excluded: every IP address, since a list of
// permitted DNS names says nothing about other kinds of names.

export const nameConstraintsOid = '2.5.29.30';
const oidBytes = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);

const tag = {
  sequence: 0x30,
  octetString: 0x04,
  boolean: 0x01,
  permitted: 0xa0,
  excluded: 0xa1,
  dnsName: 0x82,
  ipAddress: 0x87,
};

/** The extension's value for a root that permits `domains` and no IP address at all. */
export function encodeNameConstraints(domains: readonly string[]): Buffer {
  const subtree = (name: Buffer): Buffer => encode(tag.sequence, name);
  const permitted = domains.map((domain) => subtree(encode(tag.dnsName, Buffer.from(domain, 'ascii'))));
  const excluded = [8, 32].map((sizeBytes) => subtree(encode(tag.ipAddress, Buffer.alloc(sizeBytes))));
  return encode(
    tag.sequence,
    Buffer.concat([encode(tag.permitted, Buffer.concat(permitted)), encode(tag.excluded, Buffer.concat(excluded))]),
  );
}

/** The permitted DNS domains of a certificate in DER; none where it has no such extension. */
export function readPermittedDomains(certificate: Buffer): string[] {
  const at = certificate.indexOf(oidBytes);
  if (at === -1) return [];
  let rest = certificate.subarray(at + oidBytes.length);
  if (rest[0] === tag.boolean) rest = rest.subarray(3);
  const constraints = children(body(body(rest, tag.octetString), tag.sequence));
  const permitted = constraints.find((element) => element.tag === tag.permitted);
  return children(permitted?.value ?? Buffer.alloc(0))
    .flatMap((subtree) => children(subtree.value))
    .filter((name) => name.tag === tag.dnsName)
    .map((name) => name.value.toString('ascii').toLowerCase());
}

interface Element {
  readonly tag: number;
  readonly value: Buffer;
  readonly end: number;
}

function encode(tagByte: number, value: Buffer): Buffer {
  const { length } = value;
  const header =
    length < 0x80
      ? [tagByte, length]
      : length < 0x100
        ? [tagByte, 0x81, length]
        : [tagByte, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), value]);
}

function body(der: Buffer, expected: number): Buffer {
  const element = read(der, 0);
  if (element === null || element.tag !== expected) return Buffer.alloc(0);
  return element.value;
}

function children(der: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length;) {
    const element = read(der, at);
    if (element === null) break;
    found.push(element);
    at = element.end;
  }
  return found;
}

function read(der: Buffer, at: number): Element | null {
  const tagByte = der[at];
  const first = der[at + 1];
  if (tagByte === undefined || first === undefined) return null;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || at + 2 + lengthBytes > der.length) return null;
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  if (start + length > der.length) return null;
  return { tag: tagByte, value: der.subarray(start, start + length), end: start + length };
}
