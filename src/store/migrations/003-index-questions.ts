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
-- Of one session it serves as well as the index that was there; and by its turn a call is looked for only while it has none.
DROP INDEX calls_session;
DROP INDEX calls_turn;
CREATE INDEX calls_without_turn ON calls (thread_id) WHERE turn_id IS NULL;
CREATE INDEX bodies_size ON bodies (side, decoded_bytes);

CREATE TABLE search_items (             -- one prompt, answer, reasoning, tool call or tool output, where it was new
  id INTEGER PRIMARY KEY,               -- in the order of recording; its text is the row of search_text with this rowid
  call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  item_key INTEGER NOT NULL,            -- a short hash of the session and the item's id, or of what stands for it
  type TEXT NOT NULL,                   -- of the item: message, reasoning, function_call …
  role TEXT NOT NULL                    -- who it came from: user | assistant | tool
) STRICT;
CREATE INDEX search_items_call ON search_items (call_id);
CREATE INDEX search_items_key ON search_items (item_key);

CREATE VIRTUAL TABLE search_text USING fts5(text, tokenize = 'unicode61', columnsize = 0);

CREATE VIEW search_entries AS           -- both in one; this is where new ones are written, with is_sent 0 for a model's answer
  SELECT call_id, item_key, type, role, text, NULL AS is_sent
  FROM search_items JOIN search_text ON search_text.rowid = search_items.id;

-- In a session nothing that is sent is kept twice; of an answer nothing is, should it be written again.
CREATE TRIGGER search_entries_new INSTEAD OF INSERT ON search_entries
WHEN NOT EXISTS (
  SELECT 1 FROM search_items WHERE item_key = new.item_key AND (new.is_sent OR call_id = new.call_id)
)
BEGIN
  INSERT INTO search_items (call_id, item_key, type, role)
    VALUES (new.call_id, new.item_key, new.type, new.role);
  INSERT INTO search_text (rowid, text) VALUES (last_insert_rowid(), new.text);
END;

CREATE TRIGGER search_items_gone AFTER DELETE ON search_items
BEGIN
  DELETE FROM search_text WHERE rowid = old.id;
END;
`,
  fill: (connection: Connection): Promise<void> => fillSearch(connection),
} as const;
