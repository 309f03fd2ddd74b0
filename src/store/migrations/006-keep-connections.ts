// What packets are made of: which connections an exchange passed over, what was other on the provider's side, and when the chunks of an answer
// came. Recordings of before have none of it.

export const keepConnections = {
  name: '006-keep-connections',
  sql: `
CREATE TABLE connections (              -- TCP connections that exchanges passed over: of the agent to tapes, and of tapes to the provider
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,              -- within the run
  leg TEXT NOT NULL,                    -- agent | provider
  client_address TEXT NOT NULL,         -- who opened it: the agent, or tapes
  client_port INTEGER NOT NULL,
  server_address TEXT,                  -- whom it reached (tapes, the provider, or the proxy before it); null: not seen
  server_port INTEGER,
  opened_at TEXT,                       -- to the microsecond; null: not seen
  ended_at TEXT,                        -- as above
  ended_by TEXT,                        -- client | server
  is_reset INTEGER NOT NULL,            -- 1: it ended with a reset
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE exchanges ADD COLUMN started_us INTEGER; -- microseconds after started_at, which is cut to milliseconds; null: not kept
ALTER TABLE exchanges ADD COLUMN agent_connection INTEGER; -- its number in connections, of this run; null: not seen
ALTER TABLE exchanges ADD COLUMN provider_connection INTEGER; -- as above; null also where nothing reached the provider
ALTER TABLE exchanges ADD COLUMN provider_heads TEXT; -- JSON, masked: what of the heads was other on the provider's side; null: nothing, or not seen
ALTER TABLE exchanges ADD COLUMN provider_request_ms REAL; -- when the request's head passed there, after started_at; null: as on the agent's side, or not seen
ALTER TABLE exchanges ADD COLUMN provider_response_ms REAL; -- when the answer's head passed there; as above

ALTER TABLE bodies ADD COLUMN chunk_times BLOB; -- of an answer: times and wire sizes of its chunks (of its lines, for a WebSocket's), packed (store/chunk-times.ts); null: not kept
`,
} as const;
