// The door of provider/: a provider on loopback that behaves as far as an agent looks, the login that it gives out, and the one that
// `tapes doctor` brings along. The tests' stand-in is built on it.
export type { Ending, EventJson, Json, Part, ResponseAnswer } from './answer.ts';
export { openBuiltInProvider } from './built-in.ts';
export type { BuiltInProvider } from './built-in.ts';
export { isCallPath, readCall } from './call.ts';
export type { HttpExchange } from './http-exchange.ts';
export { answerJson, answerSetUp } from './plain-answer.ts';
export type { PlainAnswer } from './plain-answer.ts';
export { headerValue, pairHeaders } from './received.ts';
export type { ReceivedCall, ReceivedRequest, Writable } from './received.ts';
export { renderAnswer } from './render.ts';
export type { RenderContext } from './render.ts';
export { refuseUpgrade, serveProvider } from './serve.ts';
export type { Upgrade } from './serve.ts';
export { formatEvent } from './sse.ts';
export { listenTls } from './tls-listener.ts';
export type { Connection, Leaf } from './tls-listener.ts';
export { makeTokens } from './tokens.ts';
export type { Tokens } from './tokens.ts';
