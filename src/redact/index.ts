// The door of redact/: what is secret in a run, and how it is masked.
export { StreamMasker } from './stream-masker.ts';
export { Vault } from './vault.ts';
export type { MaskKey } from './vault.ts';
