// Headers in parts: those of a run's exchanges are nearly the same each time, so what they share is kept once, as plain JSON. A column that
// holds a whole list, as all did before, is read as it was: earlier rows are left alone, for converting 100,000 would take 14 s, longer than
// a short run waits for its recorder.

export const shareHeaders = {
  name: '004-share-headers',
  sql: `
CREATE TABLE header_parts (             -- what headers of exchanges share; the view exchange_headers puts them together
  hash BLOB NOT NULL PRIMARY KEY,       -- SHA-256 of the text beside it
  headers TEXT NOT NULL                 -- JSON, masked: an array of [name, value], or long values by their places in such an array
) STRICT;

-- Its headers are in the view exchange_headers, one row each. What is a list here is all of them; what is an object holds values by
-- their places in the list that is named beside it, where they are other than there.
ALTER TABLE exchanges ADD COLUMN request_list BLOB; -- of header_parts: the headers that it is told by; null: request_headers is whole
ALTER TABLE exchanges ADD COLUMN request_values BLOB; -- of header_parts: its long values that are not the list's
ALTER TABLE exchanges ADD COLUMN response_list BLOB; -- as of the request; so is the next
ALTER TABLE exchanges ADD COLUMN response_values BLOB;

CREATE VIEW exchange_headers AS         -- one row a header: exchange_id, side (request | response), place (from 0), name, value
  WITH sides (exchange_id, side, own, list, long) AS (
    SELECT id, 'request', request_headers,
      CASE json_type(request_headers) WHEN 'array' THEN request_headers
        ELSE (SELECT headers FROM header_parts WHERE hash = request_list) END,
      (SELECT headers FROM header_parts WHERE hash = request_values)
    FROM exchanges
    UNION ALL
    SELECT id, 'response', response_headers,
      CASE json_type(response_headers) WHEN 'array' THEN response_headers
        ELSE (SELECT headers FROM header_parts WHERE hash = response_list) END,
      (SELECT headers FROM header_parts WHERE hash = response_values)
    FROM exchanges
  )
  SELECT exchange_id, side, pair.key AS place, json_extract(pair.value, '$[0]') AS name,
    CASE json_type(own) WHEN 'array' THEN json_extract(pair.value, '$[1]')
      ELSE coalesce(json_extract(own, '$."' || pair.key || '"'), json_extract(long, '$."' || pair.key || '"'),
        json_extract(pair.value, '$[1]')) END AS value
  FROM sides, json_each(sides.list) AS pair;
`,
} as const;
