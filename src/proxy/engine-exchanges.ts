// HTTP exchanges as wire events: each chunk is told as it passes, with its own time, in the order in which it passes. mockttp has body
// events of its own, which come in batches of 20 ms, put together at a cost that grows with the square of a batch (docs/discoveries/mockttp.md).
import type { Mockttp } from 'mockttp';

import { newId } from '../domain/index.ts';
import { agentHungUp, breakOnFailure, type EngineFailure } from './engine-failures.ts';
import { requestHead, responseHead } from './engine-heads.ts';
import { aroundRequests, type IncomingRequest, type OutgoingResponse } from './engine-requests.ts';
import type { Emit } from './engine-sockets.ts';

interface Open {
  readonly exchangeId: string;
  isRequestEnded: boolean;
  failure: EngineFailure | null;
}

/** To be called once the rules are set. Settles when all is in place. */
export async function tellExchanges(engine: Mockttp, emit: Emit): Promise<{ openExchanges: () => number }> {
  const open = new Map<string, Open>();

  const endRequest = (exchange: Open): void => {
    if (exchange.isRequestEnded) return;
    exchange.isRequestEnded = true;
    emit({ type: 'requestEnded', exchangeId: exchange.exchangeId });
  };
  const tellRequest = (request: IncomingRequest, exchange: Open): void => {
    const { exchangeId } = exchange;
    emit({ type: 'requestStarted', exchangeId, request: requestHead(request) }, request.timingEvents.startTimestamp);
    // Unlike `on`, this does not set the stream going: the engine is not ready to read before it says so itself.
    request.prependListener('data', (data) => {
      if (open.has(request.id)) emit({ type: 'requestData', exchangeId, data });
    });
    request.once('end', () => {
      if (open.has(request.id)) endRequest(exchange);
    });
  };
  const tellResponse = (response: OutgoingResponse, exchange: Open, id: string): void => {
    const { exchangeId } = exchange;
    let isStarted = false;
    const writeHead = response.writeHead.bind(response);
    response.writeHead = (...args: unknown[]) => {
      const result = writeHead(...args);
      if (isStarted || !open.has(id)) return result;
      isStarted = true;
      const head = responseHead(response.statusCode, response.statusMessage, response.getRawHeaders());
      emit({ type: 'responseStarted', exchangeId, response: head });
      return result;
    };
    const body = response.body.asStream();
    body.on('data', (data: Buffer) => {
      if (open.has(id) && data.length > 0) emit({ type: 'responseData', exchangeId, data });
    });
    body.on('end', () => {
      if (!open.delete(id)) return;
      // A provider may answer before it has read the whole request.
      endRequest(exchange);
      emit({ type: 'responseEnded', exchangeId });
    });
    body.on('error', () => undefined); // told as what it is: an exchange that was aborted
  };

  aroundRequests(engine, async (request, response, handle) => {
    const exchange: Open = { exchangeId: newId(), isRequestEnded: false, failure: null };
    open.set(request.id, exchange);
    tellRequest(request, exchange);
    tellResponse(response, exchange, request.id);
    await breakOnFailure(response, handle, (failure) => (exchange.failure = failure));
  });
  await engine.on('abort', ({ id, timingEvents }) => {
    const exchange = open.get(id);
    if (exchange === undefined) return;
    open.delete(id);
    const { exchangeId, failure } = exchange;
    emit({ type: 'exchangeAborted', exchangeId, ...(failure ?? agentHungUp) }, timingEvents.abortedTimestamp);
  });
  return { openExchanges: () => open.size };
}
