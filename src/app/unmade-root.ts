// Stands, in a dry run, for a root that is yet to be made: its fingerprint cannot be known before.
import type { RootCertificate } from '../ca/index.ts';

export const unmadeRoot: RootCertificate = {
  certificatePem: '-----BEGIN CERTIFICATE-----\n(of the root that is yet to be made)\n-----END CERTIFICATE-----\n',
  fingerprint: '',
  thumbprint: 'FINGERPRINT',
  name: 'tapes-local-root-FINGERPRINT',
  commonName: 'tapes local root FINGERPRINT',
  startsAt: new Date(0),
  expiresAt: new Date(0),
  permittedDomains: [],
};
