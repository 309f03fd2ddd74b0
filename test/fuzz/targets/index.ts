// Everything that reads bytes which others wrote.
import type { FuzzTarget } from '../case.ts';
import { contentEncoding } from './content-encoding.ts';
import { clientHello, connectHead } from './heads.ts';
import { sharedHeaders } from './headers.ts';
import { http1 } from './http1.ts';
import { hpack, http2 } from './http2.ts';
import { importDatabase, importLines } from './import.ts';
import { json } from './json.ts';
import { masking } from './masking.ts';
import { derivation, identity, reading, splitting } from './requests.ts';
import { answerStream, responses } from './responses.ts';
import { search } from './search.ts';
import { sse } from './sse.ts';
import { writers } from './writers.ts';
import { webSocket } from './websocket.ts';
import { zstd } from './zstd.ts';

export const targets: readonly FuzzTarget[] = [
  sse,
  zstd,
  contentEncoding,
  responses,
  answerStream,
  splitting,
  reading,
  derivation,
  identity,
  json,
  search,
  sharedHeaders,
  masking,
  connectHead,
  clientHello,
  webSocket,
  http1,
  http2,
  hpack,
  writers,
  importLines,
  importDatabase,
];
