// The thread that records: messages in, acknowledgements and one report for each run out. Parsing, hashing, compressing and SQLite's own work
// happen here, so that none of it holds up the traffic.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { identityReaderOf } from '../../agents/index.ts';
import { unpackData } from '../../domain/index.ts';
import { Vault } from '../../redact/index.ts';
import { TransactionTurns } from '../connection.ts';
import type { RunStart } from './recorder-types.ts';
import { RequestMemory } from './request-memory.ts';
import { RunRecorder } from './run-recorder.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';
import { sizeOfEvent } from './thread-messages.ts';
import { Titles } from './titles.ts';

const port = ownPort();

const data = workerData as ThreadData;
const tell = (message: FromThread): void => port.postMessage(message);

// What a login's secrets are is the same for all runs, and so is the database's one write lock.
const vault = new Vault(data.maskKey);
const turns = new TransactionTurns();
const requestMemory = new RequestMemory();
for (const value of data.secrets) vault.learn(value);
/** Of the standing proxy, as long as the thread lives: an agent asks for a session's title apart from the session. */
const titlesOf = new Map<string, Titles>();
const runs = new Map<string, { readonly recorder: RunRecorder; readonly tellHandled: () => void }>();

// Acknowledged in groups: a message of its own for each event would cost more than handling it.
const tellAfterBytes = 256 * 1024;

function openRun(run: RunStart): void {
  const runId = run.id;
  let events = 0;
  let bytes = 0;
  let soon: NodeJS.Immediate | null = null;
  const tellHandled = (): void => {
    if (soon !== null) clearImmediate(soon);
    soon = null;
    if (events > 0 || bytes > 0) tell({ type: 'handled', runId, events, bytes });
    events = 0;
    bytes = 0;
  };
  const recorder = new RunRecorder({
    ...data,
    run,
    vault,
    turns,
    requestMemory,
    ...findTitles(run),
    identify: identityReaderOf(run.agent),
    onHandled(event) {
      events += event.type === 'dataLost' ? 0 : 1;
      bytes += sizeOfEvent(event);
      if (bytes >= tellAfterBytes) tellHandled();
      else soon ??= setImmediate(tellHandled);
    },
  });
  runs.set(runId, { recorder, tellHandled });
  void recorder.ready.then((error) => {
    tell({
      type: 'ready',
      runId,
      error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
    });
  });
}

function findTitles({ id, kind = 'intercept', proxyRunId = id }: RunStart): { titles?: Titles } {
  if (kind === 'intercept') return {};
  const titles = titlesOf.get(proxyRunId) ?? new Titles();
  titlesOf.set(proxyRunId, titles);
  return { titles };
}

port.on('message', (messages: readonly ToThread[]) => {
  for (const message of messages) hear(message);
});

function hear(message: ToThread): void {
  switch (message.type) {
    case 'openRun':
      openRun(message.run);
      return;
    case 'event':
      runs.get(message.runId)?.recorder.push(message.event);
      return;
    case 'data': {
      const recorder = runs.get(message.runId)?.recorder;
      for (const event of unpackData(message.packed)) recorder?.push(event);
      return;
    }
    case 'secrets':
      for (const value of message.values) vault.learn(value);
      return;
    case 'describeRun':
      runs.get(message.runId)?.recorder.describeRun(message.facts);
      return;
    case 'endRun':
      runs.get(message.runId)?.recorder.endRun(message.end);
      return;
    case 'dropWaiting':
      runs.get(message.runId)?.recorder.dropWaiting();
      return;
    case 'closeRun': {
      const { runId } = message;
      const run = runs.get(runId);
      void run?.recorder.close(message.lost).then((report) => {
        runs.delete(runId);
        run.tellHandled();
        tell({ type: 'closed', runId, report });
      });
      return;
    }
    case 'leave':
      port.close();
      return;
    default:
      message satisfies never;
  }
}

function ownPort(): MessagePort {
  if (parentPort === null) throw new Error('recorder-thread.ts runs in a worker only');
  return parentPort;
}
