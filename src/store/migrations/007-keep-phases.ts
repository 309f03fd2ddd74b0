// How long each connection to the provider took to make, for the phases of a HAR. Recordings of before have none of it.

export const keepPhases = {
  name: '007-keep-phases',
  sql: `
ALTER TABLE connections ADD COLUMN began_at TEXT; -- when tapes began to make it, to the microsecond; null: not seen, or the agent's
ALTER TABLE connections ADD COLUMN dns_ms REAL; -- looking up the provider's name; null: none was looked up, or not seen
ALTER TABLE connections ADD COLUMN connect_ms REAL; -- from the address to the end of the TLS handshake; null: not seen
ALTER TABLE connections ADD COLUMN tls_ms REAL; -- the TLS handshake, a part of connect_ms; as above
ALTER TABLE connections ADD COLUMN made_for TEXT; -- the exchange that was answered first over it; null: not seen, or the agent's
`,
} as const;
