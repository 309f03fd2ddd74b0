// mockttp makes one RSA key for all its leaf certificates when it starts: 40 to 400 ms in which every connection waits, and a slow signature
// for every handshake. It has no option for another kind; asked for that key, this gives it one on P-256 (1 ms), which every TLS 1.2
// client of the last decade takes. The root that signs the certificates stays RSA.

import type { webcrypto } from 'node:crypto';

/** Runs `start`, with RSA key generation answered by a P-256 key as long as it runs. */
export async function withQuickLeafKeys<T>(start: () => Promise<T>): Promise<T> {
  const { subtle } = globalThis.crypto;
  const replacement: webcrypto.SubtleCrypto['generateKey'] = (
    _algorithm: unknown,
    isExtractable: boolean,
    usages: Iterable<webcrypto.KeyUsage>,
  ) =>
    Object.getPrototypeOf(subtle).generateKey.call(
      subtle,
      { name: 'ECDSA', namedCurve: 'P-256' },
      isExtractable,
      usages,
    ) as never;
  Object.defineProperty(subtle, 'generateKey', { configurable: true, value: replacement });
  try {
    return await start();
  } finally {
    Reflect.deleteProperty(subtle, 'generateKey');
  }
}
