// The table of docs/secrets.md, as data: every place in which a secret can stand, which way it goes, and what becomes of it. Each row plants a secret of its
// own, in an exchange or in the run itself; the test looks for all of them in everything that was written.
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { zstdCompress } from 'http-encoding';

import type { RawHeaders } from '../../src/domain/index.ts';
import { frame, message } from '../support/websocket-frames.ts';

export interface Planted {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: RawHeaders;
  /** In the pieces in which it is written. */
  readonly body?: readonly Buffer[];
  readonly trailers?: RawHeaders;
  readonly isHttp2?: boolean;
  readonly answer?: { readonly status?: string; readonly headers?: RawHeaders; readonly body?: readonly Buffer[]; readonly trailers?: RawHeaders }; // prettier-ignore
  /** It is an upgrade, and these are the frames. */
  readonly socket?: { readonly sent: readonly Buffer[]; readonly answered: readonly Buffer[]; readonly extensions?: string }; // prettier-ignore
}

export type RunPlace =
  | 'argv'
  | 'argv, known'
  | 'argv, named'
  | 'label'
  | 'upstream proxy'
  | 'environment'
  | 'login file';

export interface SecretPlace {
  readonly place: string;
  readonly way: 'request' | 'answer' | 'run';
  /** As the document says it. */
  readonly masked: string;
  /** False: it is found, which shows that the search would find the others, too. */
  readonly isMasked: boolean;
  /** What is found of it are pieces: as a whole it is nowhere. */
  readonly isInPieces?: true;
  /** Where it can be at all once nothing is masked: in dumps (with `--dump-secrets`), or in nothing that is written. Default: dumps. */
  readonly isIn?: 'dumps' | 'nothing';
  /** Default: 40 characters of base64. */
  readonly shape?: (random: string) => string;
  readonly plant: RunPlace | ((secret: string) => Planted | Promise<Planted>);
}

const bearer = (secret: string): RawHeaders => [['Authorization', `Bearer ${secret}`]];
const bytes = (text: string | Buffer): readonly Buffer[] => [Buffer.from(text as string)];
const callPath = '/backend-api/codex/responses';
const json: RawHeaders = [['Content-Type', 'application/json']];
const form: RawHeaders = [['Content-Type', 'application/x-www-form-urlencoded']];
const stream: RawHeaders = [['Content-Type', 'text/event-stream']];

const request = (output: string): string =>
  `{"model":"m","stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"function_call_output","call_id":"c1","output":"${output}"}]}`;
const event = (json: object): string => `data: ${JSON.stringify(json)}\n\n`;
const delta = (text: string): string => event({ type: 'response.output_text.delta', output_index: 0, delta: text });
const done = (text: string): string =>
  event({ type: 'response.output_item.done', output_index: 0, item: { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] } }) +
  event({ type: 'response.completed', response: { id: 'r', status: 'completed', output: [] } }); // prettier-ignore

/** A model call whose token stands once more in a tool's output. */
const call = (secret: string, output: string, more: Planted = {}): Planted => ({
  method: 'POST',
  path: callPath,
  headers: [...bearer(secret), ...json],
  body: bytes(request(output)),
  answer: { headers: stream, body: bytes(done('fine')) },
  ...more,
});
const encoded = async (secret: string, encoding: string, pack: (body: Buffer) => Buffer | Promise<Buffer>): Promise<Planted> =>
  call(secret, '', {
    headers: [...bearer(secret), ...json, ['Content-Encoding', encoding]],
    body: [await pack(Buffer.from(request(`TOKEN=${secret}`)))],
    answer: { headers: [...stream, ['Content-Encoding', encoding]], body: [await pack(Buffer.from(done(`It is ${secret}.`)))] },
  }); // prettier-ignore
const singly = (text: string): readonly Buffer[] => Array.from(Buffer.from(text), (byte) => Buffer.of(byte));

const mask = Buffer.from('37fa213d', 'hex');
const socket = (secret: string, sent: readonly Buffer[], answered: readonly Buffer[], extensions?: string): Planted => ({
  path: '/backend-api/realtime',
  headers: bearer(secret),
  socket: { sent, answered, ...(extensions === undefined ? {} : { extensions }) },
}); // prettier-ignore
const deflated = (text: string): Buffer =>
  deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

const jwtOf = (random: string): string => {
  const part = (text: string): string => Buffer.from(text).toString('base64url');
  return `${part('{"alg":"RS256"}')}.${part(`{"sub":"${random}"}`)}.${part(random + random)}`;
};
const keyOf = (random: string): string => `sk-proj-${random.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
const plain = (random: string): string => random.replaceAll(/[^A-Za-z0-9]/g, 'Q');

const value = 'the value';
const known = 'wherever it stands, because the request has it as its token';

export const places: readonly SecretPlace[] = [
  // Heads of requests.
  { place: '`Authorization: Bearer`', way: 'request', masked: `${value}; the scheme stays`, isMasked: true, plant: (s) => ({ headers: bearer(s) }) },
  { place: '`Authorization: Basic`', way: 'request', masked: `${value}, and the password in it from then on`, isMasked: true, plant: (s) => ({ headers: [['Authorization', `Basic ${Buffer.from(`user:${s}`).toString('base64')}`], ['X-Said-Again', s]] }) },
  { place: '`Proxy-Authorization` inside of the tunnel', way: 'request', masked: value, isMasked: true, plant: (s) => ({ headers: [['Proxy-Authorization', `Bearer ${s}`]] }) },
  { place: 'an API key in a field of its own (`X-Api-Key` …)', way: 'request', masked: value, isMasked: true, plant: (s) => ({ headers: [['X-Api-Key', s]] }) },
  { place: 'a field with `token`, `secret`, `password`, `credential` in its name', way: 'request', masked: value, isMasked: true, plant: (s) => ({ headers: [['X-Session-Token', s]] }) },
  { place: '`Cookie`', way: 'request', masked: 'each value; names stay', isMasked: true, plant: (s) => ({ headers: [['Cookie', `theme=dark; session=${s}`]] }) },
  { place: 'a token in the query', way: 'request', masked: value, isMasked: true, plant: (s) => ({ path: `/x?access_token=${encodeURIComponent(s)}&size=3` }) },
  { place: 'a token in the query of `Referer`', way: 'request', masked: value, isMasked: true, plant: (s) => ({ headers: [['Referer', `https://chatgpt.com/x?token=${encodeURIComponent(s)}`]] }) },
  { place: 'trailers', way: 'request', masked: 'nothing of them is written', isMasked: true, isIn: 'nothing', plant: (s) => ({ method: 'POST', trailers: [['X-Token', s]], body: bytes('x') }) },
  // Bodies of requests.
  { place: 'a JSON body', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, `TOKEN=${s}`) },
  { place: '… escaped as JSON may be (`\\/`, `\\u002b`, every sign, every character)', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, [s.replaceAll('/', '\\/'), escape(s, /[^A-Za-z0-9]/g), escape(s, /[^]/g), netEscape(s)].join(' ')) },
  { place: '… percent-encoded', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, `${encodeURIComponent(s)} ${encodeURIComponent(s).replace(/%../g, (hex) => hex.toLowerCase())}`) },
  { place: '… in base64, at each of three places (`user:password`)', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, ['', 'u', 'us', 'use'].map((user) => Buffer.from(`${user}:${s}`).toString('base64')).join(' ')) },
  { place: '… in UTF-16', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, 'x', { path: '/upload', body: [Buffer.from(s, 'utf16le'), Buffer.from(` ${s}`, 'utf16le').swap16()] }) },
  { place: '… in hexadecimal', way: 'request', masked: 'no: it is not looked for in this form', isMasked: false, shape: plain, plant: (s) => call(s, Buffer.from(s).toString('hex')) },
  { place: '… that comes byte by byte', way: 'request', masked: known, isMasked: true, plant: (s) => call(s, '', { body: singly(request(`TOKEN=${s}`)) }) },
  { place: 'a body under gzip', way: 'request', masked: known, isMasked: true, plant: (s) => encoded(s, 'gzip', (body) => gzipSync(body)) },
  { place: 'a body under brotli', way: 'request', masked: known, isMasked: true, plant: (s) => encoded(s, 'br', (body) => brotliCompressSync(body)) },
  { place: 'a body under deflate', way: 'request', masked: known, isMasked: true, plant: (s) => encoded(s, 'deflate', (body) => deflateSync(body)) },
  { place: 'a body under zstd', way: 'request', masked: known, isMasked: true, plant: (s) => encoded(s, 'zstd', async (body) => Buffer.from(await zstdCompress(body, 3))) },
  { place: 'a part of a multipart form', way: 'request', masked: known, isMasked: true, plant: (s) => ({ method: 'POST', path: '/upload', headers: [...bearer(s), ['Content-Type', 'multipart/form-data; boundary=b']], body: bytes(`--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n${s}\r\n--b--\r\n`) }) },
  { place: '`access_token`, `refresh_token`, `id_token`, `client_secret` in JSON', way: 'request', masked: value, isMasked: true, plant: (s) => ({ method: 'POST', path: '/oauth/token', headers: json, body: bytes(JSON.stringify({ refresh_token: s })) }) },
  { place: '… with signs that are escaped (`\\/`, `\\u002b`), also in a string inside a string', way: 'request', masked: value, isMasked: true, plant: (s) => ({ method: 'POST', path: '/oauth/token', headers: json, body: bytes(`{"refresh_token":"${escape(s, /[+]/g).replaceAll('/', '\\/')}","again":${JSON.stringify(JSON.stringify({ id_token: s }).replaceAll('/', '\\/'))}}`) }) },
  { place: '… in a form', way: 'request', masked: value, isMasked: true, shape: plain, plant: (s) => ({ method: 'POST', path: '/oauth/token', headers: form, body: bytes(`grant_type=refresh_token&refresh_token=${s}`) }) },
  { place: '… in a form, with signs that are percent-encoded', way: 'request', masked: value, isMasked: true, plant: (s) => ({ method: 'POST', path: '/oauth/token', headers: form, body: bytes(`grant_type=refresh_token&refresh_token=${encodeURIComponent(s)}`) }) },
  { place: 'what is shaped like a JWT', way: 'request', masked: value, isMasked: true, shape: jwtOf, plant: (s) => ({ ...call('', `it printed ${s}`), headers: json }) },
  { place: 'what is shaped like an `sk-…` key', way: 'request', masked: value, isMasked: true, shape: keyOf, plant: (s) => ({ ...call('', `it printed ${s}`), headers: json }) },
  { place: 'a password in a file that the agent read, a key of another shape', way: 'request', masked: 'no: nothing says that it is one', isMasked: false, plant: (s) => ({ ...call('', `password is ${s}`), headers: json }) },
  // Answers.
  { place: '`Set-Cookie`', way: 'answer', masked: 'the value; the name and attributes stay', isMasked: true, plant: (s) => ({ answer: { headers: [['Set-Cookie', `renewed=${s}; Path=/; HttpOnly`]] } }) },
  { place: 'a token in the query of `Location`', way: 'answer', masked: value, isMasked: true, plant: (s) => ({ answer: { status: '302 Found', headers: [['Location', `/next?token=${encodeURIComponent(s)}`]] } }) },
  { place: 'the reason behind the status', way: 'answer', masked: known, isMasked: true, plant: (s) => ({ headers: bearer(s), answer: { status: `400 Bad ${s}` } }) },
  { place: 'trailers', way: 'answer', masked: 'nothing of them is written', isMasked: true, isIn: 'nothing', plant: (s) => ({ answer: { body: bytes('x'), trailers: [['X-Token', s]] } }) },
  { place: '`access_token`, `refresh_token`, `id_token` in JSON', way: 'answer', masked: 'the values', isMasked: true, plant: (s) => ({ method: 'POST', path: '/oauth/token', answer: { headers: json, body: bytes(JSON.stringify({ id_token: `${s}1`, access_token: s, refresh_token: `${s}2` }, null, 1)) } }) },
  { place: '… in a form', way: 'answer', masked: 'the values', isMasked: true, plant: (s) => ({ method: 'POST', path: '/oauth/token', answer: { headers: form, body: bytes(`access_token=${encodeURIComponent(s)}&token_type=bearer`) } }) },
  { place: 'an error in JSON', way: 'answer', masked: known, isMasked: true, plant: (s) => call(s, '', { answer: { status: '401 Unauthorized', headers: json, body: bytes(JSON.stringify({ error: { code: 'invalid', message: `bad token ${s}` } })) } }) },
  { place: 'an event stream', way: 'answer', masked: known, isMasked: true, plant: (s) => call(s, '', { answer: { headers: stream, body: bytes(delta(s) + done(s)) } }) },
  { place: '… that comes byte by byte', way: 'answer', masked: known, isMasked: true, plant: (s) => call(s, '', { answer: { headers: stream, body: singly(delta(s) + done(s)) } }) },
  { place: '… whose events each hold a piece of it', way: 'answer', masked: 'in the text of the whole item, which is what is shown; in the events no, each of which is less than the secret', isMasked: false, isInPieces: true, plant: (s) => call(s, '', { answer: { headers: stream, body: bytes(delta(s.slice(0, 20)) + delta(s.slice(20)) + done(s)) } }) },
  { place: '… of an answer that breaks off before it says it as a whole', way: 'answer', masked: 'no: what is joined of its events holds it', isMasked: false, plant: (s) => call(s, '', { answer: { headers: stream, body: bytes(event({ type: 'response.output_item.added', output_index: 0, item: { type: 'message', role: 'assistant', content: [] } }) + event({ type: 'response.content_part.added', output_index: 0, content_index: 0, part: { type: 'output_text', text: '' } }) + delta(`It is ${s.slice(0, 20)}`) + delta(`${s.slice(20)}.`)) } }) },
  // WebSockets.
  { place: 'the handshake of a WebSocket: fields, and a key as subprotocol', way: 'request', masked: value, isMasked: true, shape: keyOf, plant: (s) => ({ path: '/backend-api/realtime', headers: [['Sec-WebSocket-Protocol', `realtime, openai-insecure-api-key.${s}`]], socket: { sent: [], answered: [message('x')] } }) },
  { place: '… a token in its query', way: 'request', masked: value, isMasked: true, plant: (s) => ({ ...socket('', [], [message('x')]), headers: [], path: `/backend-api/realtime?token=${encodeURIComponent(s)}` }) },
  { place: 'messages, text and bytes', way: 'request', masked: known, isMasked: true, plant: (s) => socket(s, [message(`{"token":"${s}"}`, { mask }), message(Buffer.concat([Buffer.of(0xff, 0), Buffer.from(s)]), { mask, isBinary: true })], [message('x')]) },
  { place: 'messages, text and bytes', way: 'answer', masked: known, isMasked: true, plant: (s) => socket(s, [message('x', { mask })], [message(`{"token":"${s}"}`), message(Buffer.from(s), { isBinary: true })]) },
  { place: '… in fragments, pings between them', way: 'request', masked: known, isMasked: true, plant: (s) => socket(s, [frame({ opcode: 1, payload: `t ${s.slice(0, 9)}`, isLast: false, mask }), frame({ opcode: 9, payload: 'p', mask }), frame({ opcode: 0, payload: s.slice(9), mask })], [message(s, { partBytes: 7 })]) },
  { place: '… under permessage-deflate', way: 'request', masked: known, isMasked: true, plant: (s) => socket(s, [message(deflated(`sent ${s}`), { isCompressed: true, mask })], [message(deflated(`got ${s}`), { isCompressed: true, partBytes: 11 })], 'permessage-deflate') },
  { place: 'pings, pongs and the reason of a close frame', way: 'request', masked: 'pings and pongs are not written; in the reason, where it is known', isMasked: true, plant: (s) => socket(s, [frame({ opcode: 9, payload: s, mask }), frame({ opcode: 8, payload: Buffer.concat([Buffer.of(3, 0xe8), Buffer.from(s)]), mask })], [frame({ opcode: 8, payload: Buffer.of(3, 0xe8) })]) },
  // HTTP/2.
  { place: 'fields and bodies over HTTP/2', way: 'request', masked: 'as over HTTP/1.1', isMasked: true, plant: (s) => ({ ...call(s, `TOKEN=${s}`), isHttp2: true, headers: [['authorization', `Bearer ${s}`], ['cookie', `a=${s}`], ['content-type', 'application/json']] }) },
  { place: 'fields and bodies over HTTP/2', way: 'answer', masked: 'as over HTTP/1.1', isMasked: true, plant: (s) => ({ isHttp2: true, method: 'POST', path: callPath, headers: [['content-type', 'application/json']], body: bytes(request('')), answer: { headers: [['set-cookie', `a=${s}`], ['content-type', 'text/event-stream']], body: bytes(done(s)) } }) },
  // The run.
  { place: 'an environment variable that is named like a credential', way: 'run', masked: 'wherever it stands, before anything was sent', isMasked: true, plant: 'environment' },
  { place: "the agent's login file", way: 'run', masked: 'wherever it stands, before anything was sent', isMasked: true, plant: 'login file' },
  { place: 'the command line, of a secret that is known', way: 'run', masked: value, isMasked: true, isIn: 'nothing', plant: 'argv, known' },
  { place: 'the command line, behind the name of a credential: `--api-key X`, `token=X`, `authorization: Bearer X`', way: 'run', masked: 'wherever it stands, before anything was sent', isMasked: true, plant: 'argv, named' },
  { place: 'the command line, of any other', way: 'run', masked: 'no: nothing says that it is one', isMasked: false, plant: 'argv' },
  { place: 'the label of a run', way: 'run', masked: 'where it is known', isMasked: true, isIn: 'nothing', plant: 'label' },
  { place: 'the URL of an upstream proxy', way: 'run', masked: 'it is written nowhere', isMasked: true, isIn: 'nothing', plant: 'upstream proxy' },
]; // prettier-ignore

function escape(secret: string, pattern: RegExp): string {
  return secret.replace(pattern, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As .NET writes it. */
const netEscape = (secret: string): string => secret.replaceAll('+', '\\u002B');

/** What stands in a request for the places that only the run knows. */
export const repeated = (secret: string): Planted => ({ ...call('', `env printed ${secret}`), headers: json });
