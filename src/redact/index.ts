// The door of redact/: what is secret in a run, and how it is masked.
export { stretchHeaders, stretchMarks } from './mark-lengths.ts';
export type { HeaderMarkLengths, MarkLengths } from './mark-lengths.ts';
export { starMarks } from './plain-marks.ts';
export { StreamMasker } from './stream-masker.ts';
export { Vault } from './vault.ts';
export type { MaskKey } from './vault.ts';
