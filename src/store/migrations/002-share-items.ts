// Requests in parts: an agent sends its whole conversation again with every call, so what it repeats is kept once.
// Bodies of the first schema stay as they are: they are read as before. What a clock and the wire alone knew of a call gets a table of
// its own, so that calls hold nothing that cannot be derived again.

export const shareItems = {
  name: '002-share-items',
  sql: `
CREATE TABLE items (                    -- what requests repeat: an element of the input, or another large value (instructions, tools …)
  hash BLOB NOT NULL PRIMARY KEY,       -- SHA-256 of the exact bytes, masked as bodies are
  bytes INTEGER NOT NULL,               -- how many those are
  storage TEXT NOT NULL,                -- brotli | deflate-1 (raw deflate with the dictionary of src/store/dictionary.ts) | plain
  data BLOB NOT NULL
) STRICT;

CREATE TABLE nodes (                    -- a conversation up to and with one item; a fork, an edit, a compaction is another branch
  hash BLOB NOT NULL PRIMARY KEY,       -- SHA-256 of the parent's hash (nothing for the first) followed by the item's
  parent BLOB,                          -- null: the first of a conversation
  item BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE request_parts (            -- the large values of a request besides its input, in their order
  call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  item BLOB NOT NULL,
  PRIMARY KEY (call_id, seq)
) STRICT, WITHOUT ROWID;

-- storage may now be deflate-1, or template: then data is the request without its items and parts (deflate-1), and node its conversation.
ALTER TABLE bodies ADD COLUMN node BLOB;

CREATE TABLE call_times (               -- what only our clocks and the wire knew of a call: raw, as its bodies are
  call_id TEXT NOT NULL PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
  exchange_id TEXT NOT NULL,
  started_at TEXT NOT NULL,
  request_order INTEGER NOT NULL,       -- among all that the run saw: when the request was complete …
  end_order INTEGER,                    -- … and when the call had ended; null: not yet, or tapes died
  request_ended_ms REAL NOT NULL,       -- after started_at, by a monotonic clock; so are the next two
  first_token_ms REAL,
  ended_ms REAL,
  ended_at TEXT,
  ended TEXT NOT NULL,                  -- responseEnded | agentHungUp | upstreamFailed | tapesDied | open
  failure TEXT                          -- JSON {code, message}: what was wrong with the connection, masked
) STRICT, WITHOUT ROWID;

-- For what was recorded before: the order as the times have it.
WITH events AS (
  SELECT id, run_id, rowid AS place, 0 AS is_end, julianday(started_at) * 86400000 + coalesce(request_ended_ms, 0) AS at
  FROM calls
  UNION ALL
  SELECT id, run_id, rowid, 1, julianday(ended_at) * 86400000 FROM calls WHERE ended_at IS NOT NULL
), numbered AS (
  SELECT id, is_end, row_number() OVER (PARTITION BY run_id ORDER BY at, is_end DESC, place) AS number FROM events
)
INSERT INTO call_times
SELECT calls.id, exchange_id, calls.started_at, begun.number, done.number, coalesce(calls.request_ended_ms, 0), first_token_ms,
  calls.ended_ms, calls.ended_at,
  CASE
    WHEN calls.status = 'streaming' THEN 'open'
    WHEN calls.status = 'interrupted' THEN 'tapesDied'
    WHEN calls.transport = 'websocket' THEN CASE WHEN calls.status = 'aborted' THEN 'agentHungUp' ELSE 'responseEnded' END
    WHEN exchanges.outcome = 'ended' THEN 'responseEnded'
    WHEN exchanges.outcome = 'agent-hung-up' THEN 'agentHungUp'
    WHEN exchanges.outcome = 'upstream-failed' THEN 'upstreamFailed'
    ELSE 'tapesDied'
  END,
  CASE WHEN exchanges.error_code IS NOT NULL
    THEN json_object('code', exchanges.error_code, 'message', coalesce(exchanges.error_message, '')) END
FROM calls
JOIN exchanges ON exchanges.id = calls.exchange_id
JOIN numbered AS begun ON begun.id = calls.id AND begun.is_end = 0
LEFT JOIN numbered AS done ON done.id = calls.id AND done.is_end = 1;
`,
} as const;
