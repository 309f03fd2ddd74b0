// What questions over everything are answered from. `tapes stats` reads each call's numbers from an index alone, because a call's row is
// long (it holds the answer). Ten minutes of a time come second, so that groups of calls come in order and nothing is sorted.

// And the full text of what people search for. Only what is new in a call is in it, so it grows as the conversation does.
import type { Connection } from '../connection.ts';
import { fillSearch } from '../search-index.ts';

export const indexQuestions = {
  name: '003-index-questions',
  sql: `
CREATE INDEX calls_sums ON calls (
  session_id, substr(started_at, 1, 15), model, kind, status,
  input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens,
  request_ended_ms, first_token_ms, ended_ms, started_at
);
CREATE INDEX calls_rate_limits ON calls (started_at) WHERE rate_limits IS NOT NULL;
CREATE INDEX bodies_size ON bodies (side, decoded_bytes);

CREATE TABLE search_items (             -- one prompt, answer, reasoning, tool call or tool output, where it was new
  id INTEGER PRIMARY KEY,               -- in the order of recording; its text is the row of search_text with this rowid
  call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  session_id TEXT NOT NULL,
  source TEXT NOT NULL,                 -- sent (by the agent) | answer
  position INTEGER NOT NULL,            -- among those of its call and source
  item_key TEXT NOT NULL,               -- the item's id, or what stands for it; in a session nothing that is sent is kept twice
  type TEXT NOT NULL,                   -- of the item: message, reasoning, function_call …
  role TEXT NOT NULL,                   -- who it came from: user | assistant | tool
  started_at TEXT NOT NULL,             -- of the call
  UNIQUE (call_id, source, position)
) STRICT;
CREATE INDEX search_items_key ON search_items (session_id, item_key);

CREATE VIRTUAL TABLE search_text USING fts5(text, tokenize = 'unicode61');

CREATE VIEW search_entries AS           -- both in one; this is where new ones are written
  SELECT call_id, session_id, source, position, item_key, type, role, started_at, text
  FROM search_items JOIN search_text ON search_text.rowid = search_items.id;

CREATE TRIGGER search_entries_new INSTEAD OF INSERT ON search_entries
WHEN NOT EXISTS (
    SELECT 1 FROM search_items WHERE call_id = new.call_id AND source = new.source AND position = new.position
  ) AND (new.source = 'answer' OR NOT EXISTS (
    SELECT 1 FROM search_items WHERE session_id = new.session_id AND item_key = new.item_key
  ))
BEGIN
  INSERT INTO search_items (call_id, session_id, source, position, item_key, type, role, started_at)
    VALUES (new.call_id, new.session_id, new.source, new.position, new.item_key, new.type, new.role, new.started_at);
  INSERT INTO search_text (rowid, text) VALUES (last_insert_rowid(), new.text);
END;

CREATE TRIGGER search_items_gone AFTER DELETE ON search_items
BEGIN
  DELETE FROM search_text WHERE rowid = old.id;
END;
`,
  fill: (connection: Connection): Promise<void> => fillSearch(connection),
} as const;
