// How long the secrets were that marks in heads stand for, so that a dump has the offsets of the wire. The marks stay as they are: equal secrets
// look equal. Recordings of before have none of it.

export const keepMarkLengths = {
  name: '008-keep-mark-lengths',
  sql: `
ALTER TABLE exchanges ADD COLUMN mark_lengths TEXT; -- JSON: of each masked: in path and headers its place and the length of what it stands for (store/head-marks.ts); null: not kept
`,
} as const;
