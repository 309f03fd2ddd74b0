// A standing proxy serves many agents at once: each session that it meets is a run of its own, and what belongs to none is in the proxy's own.

export const nameRunKinds = {
  name: '005-name-run-kinds',
  sql: `
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'intercept'; -- intercept | proxy (a standing one, with what belongs to no session) | session (of an agent under a standing one)
ALTER TABLE runs ADD COLUMN proxy_run_id TEXT; -- of a session: the run of the standing proxy that it passed through; not a reference, since that may be pruned first
`,
} as const;
