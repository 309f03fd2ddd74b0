// What questions over everything are answered from. `tapes stats` reads each call's numbers from an index alone, because a call's row is
// long (it holds the answer). Ten minutes of a time come second, so that groups of calls come in order and nothing is sorted.

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
`,
} as const;
