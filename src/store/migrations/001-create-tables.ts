// The first schema. The comments inside the SQL stay in the database file: `.schema` in the sqlite3 shell shows them.
// Raw truth (exchanges, bodies, response_chunks) is apart from what is derived of it (sessions, threads, turns, calls).

export const createTables = {
  name: '001-create-tables',
  sql: `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE runs (                     -- one invocation of tapes
  id TEXT PRIMARY KEY,
  agent TEXT,                           -- profile name: codex …
  argv TEXT NOT NULL,                   -- JSON array, masked
  cwd TEXT NOT NULL,
  label TEXT,
  version TEXT NOT NULL,                -- of tapes
  hostname TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_started TEXT,                     -- tells this process from a later one with the same pid
  started_at TEXT NOT NULL,             -- all times: ISO 8601, UTC, milliseconds
  ended_at TEXT,
  exit_code INTEGER,
  signal TEXT,
  interrupted INTEGER NOT NULL DEFAULT 0, -- 1: tapes died before the run had ended
  dropped INTEGER NOT NULL DEFAULT 0,   -- wire events that could not be recorded
  problems TEXT NOT NULL DEFAULT '[]'   -- JSON array: what went wrong with the recording, one sentence each
) STRICT;
CREATE INDEX runs_started ON runs (started_at);

CREATE TABLE exchanges (                -- one HTTP request with its response, or one WebSocket, on an intercepted host
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,                   -- http | upgrade (a refused WebSocket) | websocket
  method TEXT NOT NULL,
  scheme TEXT NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  path TEXT NOT NULL,                   -- with query, masked
  http_version TEXT NOT NULL,
  request_headers TEXT NOT NULL,        -- JSON array of [name, value], as sent but masked
  response_headers TEXT,
  status INTEGER,
  reason TEXT,
  started_at TEXT NOT NULL,
  request_ended_ms REAL,                -- after started_at, by a monotonic clock; so are the next two
  response_started_ms REAL,
  ended_ms REAL,
  request_wire_bytes INTEGER NOT NULL,  -- body bytes as they passed, still compressed
  response_wire_bytes INTEGER NOT NULL,
  messages_sent INTEGER NOT NULL DEFAULT 0, -- of a WebSocket
  messages_received INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL,                -- open | ended | refused | agent-hung-up | upstream-failed | tapes-stopped | interrupted
  error_code TEXT,
  error_message TEXT
) STRICT;
CREATE INDEX exchanges_run ON exchanges (run_id);

CREATE TABLE sessions (                 -- the agent's own conversation
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  agent_version TEXT,
  originator TEXT,
  cwd TEXT,
  kind TEXT NOT NULL,                   -- user | title (the agent's own background request)
  title TEXT,
  started_at TEXT NOT NULL,
  last_at TEXT NOT NULL                 -- start or end of the newest call
) STRICT;
CREATE INDEX sessions_last ON sessions (last_at);

CREATE TABLE threads (                  -- a sub-agent is a thread with a parent
  id TEXT PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  parent_thread_id TEXT,
  agent_name TEXT,                      -- /root, /root/task_one
  subagent TEXT,                        -- collab_spawn, review …
  started_at TEXT NOT NULL
) STRICT;
CREATE INDEX threads_session ON threads (session_id);

CREATE TABLE turns (                    -- what one prompt caused
  thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  id TEXT NOT NULL,                     -- the agent's turn id, or one made of the thread and the prompt where it sends none
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  prompt TEXT,                          -- what the person typed
  started_at TEXT NOT NULL,
  PRIMARY KEY (thread_id, id)
) STRICT;
CREATE INDEX turns_id ON turns (id);
CREATE INDEX turns_session ON turns (session_id);

CREATE TABLE calls (                    -- one model request and its answer
  id TEXT PRIMARY KEY,                  -- the exchange's id; with .1, .2 … on a WebSocket
  exchange_id TEXT NOT NULL REFERENCES exchanges (id) ON DELETE CASCADE,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  turn_id TEXT,                         -- null: a prewarm whose turn has not begun
  kind TEXT NOT NULL,                   -- turn | prewarm | compaction | title | review …
  attempt INTEGER NOT NULL,             -- 1, and up for a retry of the same request
  retry_key TEXT NOT NULL,              -- equal for equal requests
  transport TEXT NOT NULL,              -- https | websocket
  status TEXT NOT NULL,                 -- streaming | completed | incomplete | failed | truncated | aborted | interrupted
  model TEXT,
  response_id TEXT,
  previous_response_id TEXT,
  http_status INTEGER,
  error_code TEXT,
  error_message TEXT,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  request_ended_ms REAL,                -- after started_at, by a monotonic clock; so are the next two
  first_token_ms REAL,
  ended_ms REAL,
  input_items INTEGER NOT NULL,
  new_items INTEGER NOT NULL,
  input_tokens INTEGER,                 -- all five null: no usage was reported
  cached_input_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  total_tokens INTEGER,
  rate_limits TEXT,                     -- JSON
  tool_outputs TEXT NOT NULL,           -- JSON array: the tool results that are new in this call's input
  output TEXT NOT NULL                  -- JSON array: the items of the answer as the wire had them, masked
) STRICT;
CREATE INDEX calls_session ON calls (session_id, started_at);
CREATE INDEX calls_thread ON calls (thread_id, started_at);
CREATE INDEX calls_turn ON calls (thread_id, turn_id);
CREATE INDEX calls_run ON calls (run_id);
CREATE INDEX calls_exchange ON calls (exchange_id);
CREATE INDEX calls_started ON calls (started_at);

CREATE TABLE bodies (                   -- request and response of a call: content-decoded, masked, compressed
  call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  side TEXT NOT NULL,                   -- request | response
  content_encoding TEXT,                -- as the header named it
  wire_bytes INTEGER,                   -- null: not known, tapes died while they passed
  wire_sha256 TEXT,                     -- of the true bytes, as they passed; null: not all of them were seen
  decoded_bytes INTEGER NOT NULL,
  decoded_sha256 TEXT,                  -- of the true bytes, after the content encoding and before masking; null: as above
  stored_bytes INTEGER NOT NULL,
  stored_sha256 TEXT NOT NULL,          -- of the bytes kept here; equals decoded_sha256 where nothing was masked or cut
  masked INTEGER NOT NULL,              -- how many secrets were replaced
  problem TEXT,                         -- why what is kept is not the whole, decoded body
  storage TEXT NOT NULL,                -- brotli | plain | chunks (then data is empty and response_chunks holds the bytes)
  data BLOB NOT NULL,
  PRIMARY KEY (call_id, side)
) STRICT;

CREATE TABLE response_chunks (          -- response bytes while they stream: decoded, masked; one body once the call has ended
  call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at_ms REAL NOT NULL,                  -- after the call's started_at
  data BLOB NOT NULL,
  PRIMARY KEY (call_id, seq)
) STRICT;
`,
} as const;
