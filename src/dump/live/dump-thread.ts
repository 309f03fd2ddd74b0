// The thread that writes dumps: events in, acknowledgements and one report out. Masking, encoding and the disk's own time are spent here, so
// that none of it holds up the traffic.
import { parentPort, workerData } from 'node:worker_threads';

import { unpackData } from '../../domain/index.ts';
import type { FromDumpThread, ToDumpThread } from './dump-messages.ts';
import { sizeOfDumpEvent } from './dump-messages.ts';
import { DumpPipeline, type LiveDumpOptions } from './dump-pipeline.ts';

const port = parentPort;
if (port === null) throw new Error('dump-thread.ts runs in a worker only');

const passEveryMs = 100;
const tellAfterBytes = 256 * 1024;

const pipeline = new DumpPipeline(workerData as LiveDumpOptions);
const tell = (message: FromDumpThread): void => port.postMessage(message);

let handledBytes = 0;
function tellHandled(): void {
  if (handledBytes === 0) return;
  tell({ type: 'handled', bytes: handledBytes });
  handledBytes = 0;
}

let toldProblems = 0;
async function pass(): Promise<void> {
  await pipeline.pass();
  const { problems } = pipeline;
  if (problems.length > toldProblems) tell({ type: 'problems', problems });
  toldProblems = problems.length;
}

/** One at a time, in order. */
let last: Promise<void> = Promise.resolve();
const next = (work: () => Promise<void> | void): void => {
  last = last.then(work).catch(() => undefined);
};

/** For what waits while nothing comes. What comes passes on what came before it: waking up once is cheaper than twice. */
const timer = setInterval(() => {
  next(async () => {
    tellHandled();
    await pass();
  });
}, passEveryMs);

port.on('message', (message: ToDumpThread) => {
  switch (message.type) {
    case 'events':
      next(async () => {
        for (const event of message.events.flatMap((one) => (one.type === 'packed' ? unpackData(one.data) : one))) {
          try {
            const writing = pipeline.handle(event);
            if (writing !== undefined) await writing;
          } catch {
            // What one event is worth is one event.
          }
          handledBytes += sizeOfDumpEvent(event);
          if (handledBytes >= tellAfterBytes) tellHandled();
        }
        await pass();
        timer.refresh();
      });
      return;
    case 'secrets':
      // In its turn would be after what waits; known at once is safer.
      pipeline.learnSecrets(message.values);
      return;
    case 'close':
      clearInterval(timer);
      next(async () => {
        tell({ type: 'closed', report: await pipeline.close(message.dropped) });
        port.close();
      });
      return;
    default:
      message satisfies never;
  }
});
