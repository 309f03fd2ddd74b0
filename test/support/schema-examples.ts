// A query for each table and view, for docs/schema.md: what somebody with the sqlite3 shell may want to know of it. test/schema-docs.test.ts runs them.
export interface SchemaExample {
  /** What the query answers, as a heading. */
  readonly question: string;
  readonly sql: string;
}

export const schemaExamples: Readonly<Record<string, SchemaExample>> = {
  bodies: {
    question: 'The largest requests, and how little of each had to be stored',
    sql: `SELECT call_id, decoded_bytes, length(data) AS kept_bytes, storage, masked
FROM bodies
WHERE side = 'request'
ORDER BY decoded_bytes DESC
LIMIT 10;`,
  },
  call_times: {
    question: 'Calls in the order in which they were made, and how long the first token took',
    sql: `SELECT calls.run_id, call_id, call_times.ended, round(call_times.first_token_ms - call_times.request_ended_ms) AS ttft_ms
FROM call_times
JOIN calls ON calls.id = call_id
ORDER BY call_times.started_at, request_order;`,
  },
  calls: {
    question: 'Tokens by model',
    sql: `SELECT model, count(*) AS calls, sum(input_tokens) AS input, sum(cached_input_tokens) AS cached, sum(output_tokens) AS output
FROM calls
GROUP BY model
ORDER BY input DESC;`,
  },
  connections: {
    question: 'What each connection carried, and how it ended',
    sql: `SELECT leg, client_port, server_address, server_port, opened_at, ended_at, ended_by, is_reset, count(*) AS exchanges
FROM connections
JOIN exchanges ON exchanges.run_id = connections.run_id AND number IN (agent_connection, provider_connection)
GROUP BY connections.run_id, number
ORDER BY opened_at;`,
  },
  exchange_headers: {
    question: 'The headers of the newest exchange, in the order in which they came',
    sql: `SELECT side, name, value
FROM exchange_headers
WHERE exchange_id = (SELECT id FROM exchanges ORDER BY started_at DESC LIMIT 1)
ORDER BY side, place;`,
  },
  exchanges: {
    question: 'What was asked of which host, and how it was answered',
    sql: `SELECT started_at, method, host, path, status, outcome, round(ended_ms) AS ms
FROM exchanges
ORDER BY started_at DESC
LIMIT 20;`,
  },
  header_parts: {
    question: 'Lists of headers that exchanges share, and by how many each is named',
    sql: `SELECT count(*) AS exchanges, length(headers) AS characters, substr(headers, 1, 60) AS beginning
FROM header_parts
JOIN exchanges ON header_parts.hash IN (request_list, response_list)
GROUP BY header_parts.hash
ORDER BY exchanges DESC
LIMIT 20;`,
  },
  items: {
    question: 'What is repeated most, by how many nodes hold it',
    sql: `SELECT hex(items.hash) AS hash, items.bytes, items.storage, count(*) AS nodes
FROM items
JOIN nodes ON nodes.item = items.hash
GROUP BY items.hash
ORDER BY nodes DESC, items.bytes DESC
LIMIT 10;`,
  },
  meta: {
    question: 'What is noted of the database itself (so far: nothing)',
    sql: `SELECT key, value FROM meta;`,
  },
  migrations: {
    question: 'Which steps made this database, and when',
    sql: `SELECT name, applied_at FROM migrations ORDER BY name;`,
  },
  nodes: {
    question: "The newest call's conversation, item by item from its beginning",
    sql: `WITH RECURSIVE chain (hash, item, parent, back) AS (
  SELECT hash, item, parent, 0 FROM nodes
  WHERE hash = (
    SELECT node FROM bodies JOIN calls ON calls.id = call_id
    WHERE node IS NOT NULL ORDER BY started_at DESC LIMIT 1
  )
  UNION ALL
  SELECT nodes.hash, nodes.item, nodes.parent, back + 1 FROM chain JOIN nodes ON nodes.hash = chain.parent
)
SELECT row_number() OVER (ORDER BY back DESC) AS place, hex(chain.item) AS item, items.bytes
FROM chain
JOIN items ON items.hash = chain.item
ORDER BY back DESC;`,
  },
  request_parts: {
    question: 'Which large values besides the input requests share, as instructions and tools',
    sql: `SELECT hex(item) AS item, items.bytes, count(*) AS calls
FROM request_parts
JOIN items ON items.hash = item
GROUP BY item
ORDER BY items.bytes DESC;`,
  },
  response_chunks: {
    question: 'Answers that stream just now, and how much has come',
    sql: `SELECT call_id, count(*) AS chunks, sum(length(data)) AS bytes, max(at_ms) AS last_ms
FROM response_chunks
GROUP BY call_id;`,
  },
  runs: {
    question: 'Runs that lost something, or did not come to their end',
    sql: `SELECT id, started_at, argv, dropped, problems
FROM runs
WHERE dropped > 0 OR problems <> '[]' OR ended_at IS NULL
ORDER BY started_at DESC;`,
  },
  search_entries: {
    question: 'What was said and done last, as text',
    sql: `SELECT call_id, role, type, substr(text, 1, 60) AS beginning
FROM search_entries
ORDER BY call_id DESC
LIMIT 20;`,
  },
  search_items: {
    question: 'What was indexed for the full-text search, by kind and by who said it',
    sql: `SELECT type, role, count(*) AS entries
FROM search_items
GROUP BY type, role
ORDER BY entries DESC;`,
  },
  search_text: {
    question: 'Where a word stands, with what is around it',
    sql: `SELECT calls.started_at, calls.session_id, call_id, snippet(search_text, 0, '[', ']', ' … ', 12) AS found
FROM search_text
JOIN search_items ON search_items.id = search_text.rowid
JOIN calls ON calls.id = call_id
WHERE search_text MATCH 'files'
ORDER BY search_items.id DESC
LIMIT 20;`,
  },
  sessions: {
    question: 'The sessions of the last seven days, with how much was done in each',
    sql: `SELECT sessions.id, title, cwd, last_at, count(calls.id) AS calls, sum(total_tokens) AS tokens
FROM sessions
LEFT JOIN calls ON calls.session_id = sessions.id
WHERE sessions.kind = 'user' AND last_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days')
GROUP BY sessions.id
ORDER BY last_at DESC;`,
  },
  threads: {
    question: 'Sub-agents, with the thread that each was started from',
    sql: `SELECT session_id, id, agent_name, subagent, parent_thread_id
FROM threads
WHERE parent_thread_id IS NOT NULL;`,
  },
  turns: {
    question: 'What was typed, and what it took',
    sql: `SELECT turns.started_at, turns.prompt, count(calls.id) AS calls, sum(calls.total_tokens) AS tokens
FROM turns
LEFT JOIN calls ON calls.thread_id = turns.thread_id AND calls.turn_id = turns.id
GROUP BY turns.thread_id, turns.id
ORDER BY turns.started_at DESC
LIMIT 20;`,
  },
};
