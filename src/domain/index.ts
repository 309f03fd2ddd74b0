// The door of domain/: the vocabulary as types, and the functions that belong to it.
export { BytePile } from './byte-pile.ts';
export { derTag, encodeDer, readDer } from './der.ts';
export { constraintOf, matchesHost } from './host-glob.ts';
export { newId } from './id.ts';
export { countJsonValues, maxJsonValues, readOutsideJson } from './outside-json.ts';
export type { OutsideJson } from './outside-json.ts';
export { packData, unpackData } from './packed-data.ts';
export type { DataEvent, PackedData } from './packed-data.ts';
export type { Pace } from './pace.ts';
export { readUtf8 } from './read-utf8.ts';
export { certificateSerialNumber } from './serial-number.ts';
export { shellWord } from './shell-word.ts';
export type { TapEvent } from './tap-event.ts';
export { teeSinks } from './tee-sinks.ts';
export { addUsage, noUsage } from './vocabulary.ts';
export type {
  Call,
  CallBranch,
  CallError,
  CallKind,
  CallStatus,
  Item,
  RateLimits,
  RateLimitWindow,
  Run,
  Session,
  Thread,
  Turn,
  Usage,
} from './vocabulary.ts';
export type {
  AbortedBy,
  ConnectionEnd,
  ConnectionEvent,
  ConnectionPhases,
  ConnectionStart,
  Endpoint,
  RawHeaders,
  RequestHead,
  ResponseHead,
  Sink,
  Stamp,
  UpstreamLeg,
  WireEvent,
  WireFailure,
} from './wire-event.ts';
