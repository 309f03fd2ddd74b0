// The door of ca/: the root, what an agent is told to trust, and the trust stores.
export { isoDay, refuseWrongClock } from './clock.ts';
export { withLock } from './lock.ts';
export { keepNext, readNext, useNext } from './next-root.ts';
export { isPublicSuffix } from './public-suffix.ts';
export {
  certificateFileOf,
  draftRoot,
  readTrusted,
  switchKey,
  writeCertificateFile,
  writeTrusted,
  type NewRoot,
} from './replace-root.ts';
export { describeCertificate, isLocalRoot, permits, splitPem, type RootCertificate } from './root-certificate.ts';
export { loadRoot, openRoot, refuseUnusable } from './root.ts';
export type { Root } from './root.ts';
export { readCertificates, writeBundle } from './trust-bundle.ts';
export { makeThrowAwayRoot, makeThrowAwayServer } from './throw-away.ts';
export * from './trust/index.ts';
export { announceUse, listUses } from './uses.ts';
