// The door of the stand-in provider.
export { startStandIn } from './stand-in.ts';
export type { StandIn, StandInOptions } from './stand-in.ts';
export type { Answer, Compression, EventJson, StreamAnswer, StreamOptions } from './answer.ts';
export type { WebSocketPolicy } from './answer-socket.ts';
export type { PlainAnswer, ReceivedRequest } from '../../../src/provider/index.ts';
export { providerHosts } from './plain-answer.ts';
export type { ReceivedCall, ReceivedMessage, ReceivedSocket } from './received.ts';
export { headerValue } from '../../../src/provider/index.ts';
export { exhausted, type Scenario } from './scenario.ts';
export { rateLimits, setCookie } from './response-headers.ts';
export {
  closeSocket,
  compaction,
  cutAfter,
  events,
  execCommand,
  failed,
  functionCall,
  hang,
  httpError,
  incomplete,
  item,
  onlyEvents,
  reasoning,
  reset,
  silent,
  spawnAgent,
  text,
  together,
  toolCall,
  usageLimitReached,
  waitAgent,
  webSearch,
} from './builders.ts';
