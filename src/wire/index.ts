// The door of wire/: pure decoders, chunks in, values out.
export { canDecode, decodeBody, openBodyDecoder } from './content-encoding.ts';
export type { BodyDecoder, DecodedBody, DecodeProblem } from './content-encoding.ts';
export { fitBody } from './fit-body.ts';
export { ResponsesReader, readJsonAnswer } from './responses-reader.ts';
export { sayEvents } from './answer.ts';
export type { Answer } from './answer.ts';
export { readTemplate, writeTemplate } from './request-template.ts';
export type { RequestTemplate } from './request-template.ts';
export { StackedRefit } from './stacked-refit.ts';
export { splitRequest } from './split-request.ts';
export type { Cut, CutBody, SplitOptions } from './split-request.ts';
export { looksLikeSse, SseDecoder } from './sse.ts';
export type { SseEvent } from './sse.ts';
