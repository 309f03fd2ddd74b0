// The thread that records: messages in, acknowledgements and one report out. Parsing, hashing, compressing and SQLite's own work
// happen here, so that none of it holds up the traffic.
import { parentPort, workerData } from 'node:worker_threads';

import { identityReaderOf } from '../../agents/index.ts';
import { RunRecorder } from './run-recorder.ts';
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts';
import { sizeOfEvent } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('recorder-thread.ts runs in a worker only');

const options = workerData as ThreadOptions;
const tell = (message: FromThread): void => port.postMessage(message);

// Acknowledged in groups: a message of its own for each event would cost more than handling it.
const tellAfterBytes = 256 * 1024;
let events = 0;
let bytes = 0;
let soon: NodeJS.Immediate | null = null;

function tellHandled(): void {
  if (soon !== null) clearImmediate(soon);
  soon = null;
  if (events > 0) tell({ type: 'handled', events, bytes });
  events = 0;
  bytes = 0;
}

const recorder = new RunRecorder({
  ...options,
  identify: identityReaderOf(options.run.agent),
  onHandled(event) {
    events += event.type === 'dataLost' ? 0 : 1;
    bytes += sizeOfEvent(event);
    if (bytes >= tellAfterBytes) tellHandled();
    else soon ??= setImmediate(tellHandled);
  },
});

void recorder.ready.then((error) => {
  tell({
    type: 'ready',
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
  });
});

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'event':
      recorder.push(message.event);
      return;
    case 'secrets':
      recorder.learnSecrets(message.values);
      return;
    case 'endRun':
      recorder.endRun(message.end);
      return;
    case 'close':
      void recorder.close(message.lost).then((report) => {
        tellHandled();
        tell({ type: 'closed', report });
        port.close();
      });
      return;
    default:
      message satisfies never;
  }
});
