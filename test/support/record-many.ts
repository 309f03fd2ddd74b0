// A process that records one short call after another, as `tapes intercept` does, until it is killed. Arguments: DATABASE RUN
// Each call sends the whole conversation so far; its answer is 25 words, 8 ms apart: longer than a batch waits,
// so that it may be found open on disk. What has been pushed is printed, a line for each.
import { openRecorder } from '../../src/store/index.ts';
import { maskKeyOfTests, runStartOfTests } from './run-start.ts';
import {
  assistantMessage,
  completed,
  created,
  itemDone,
  opening,
  sse,
  textDelta,
  userMessage,
  WireScript,
} from './wire-script.ts';

const [, , dbFile = '', run = ''] = process.argv;
const everyMs = 8;
const words = 25;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
say('ready');
const recorder = openRecorder({
  dbFile,
  run: runStartOfTests({ id: run, startedAt: Date.now() }),
  maskKey: maskKeyOfTests,
  secrets: [],
});
// What is promised is promised of a recorder that stands.
await recorder.ready;
const script = new WireScript(Date.now());
const session = `session-${run}`;
const input: object[] = opening('turn-1');
let [call, word] = [0, 0];

setInterval(() => {
  const id = `${run}-${call}`;
  script.wait(everyMs);
  if (word === 0) {
    input.push(userMessage(`prompt ${call}`, 'turn-1', `msg_${call}`));
    script
      .call(id, { session, turn: `turn-${call}`, input: [...input] })
      .head(id)
      .data(id, sse(created(`resp_${call}`)));
  } else if (word <= words) {
    script.data(id, sse(textDelta(`${word} `)));
  } else {
    const message = assistantMessage(Array.from({ length: words }, (_, at) => `${at + 1} `).join(''), `msg_a${call}`);
    input.push(message);
    script.data(id, sse(itemDone(message)) + sse(completed(`resp_${call}`))).abort(id, 'agent');
  }
  for (const event of script.events.splice(0)) recorder.push(event);
  say(word > words ? `ended ${id}` : `word ${id} ${word}`);
  if (word++ <= words) return;
  call += 1;
  word = 0;
}, everyMs);
