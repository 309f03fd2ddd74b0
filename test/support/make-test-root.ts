// Makes the committed TEST-ONLY root anew: `npx tsx test/support/make-test-root.ts`. Needed once, or after 2056.
import { writeFileSync } from 'node:fs';
import { makeRoot, testRootFile, testRootKeyFile } from './certificates.ts';

const root = makeRoot(
  'tapes TEST-ONLY stand-in root - never trust this',
  new Date('2020-01-01T00:00:00Z'),
  new Date('2056-01-01T00:00:00Z'),
);
const warning = 'TEST-ONLY: the stand-in provider of the tapes tests. Its key is public. Never trust this root.\n';
writeFileSync(testRootFile, warning + root.certificatePem);
writeFileSync(testRootKeyFile, warning + root.keyPem);
