// A process that records as `tapes intercept` does, in the recorder's thread, until it is killed: node --import tsx <this> DATABASE
// One call completes; another streams a word every 20 ms, and each word is printed once it has been pushed.
import { openRecorder } from '../../src/store/index.ts';
import { maskKeyOfTests, runStartOfTests } from './run-start.ts';
import { created, plainAnswer, sse, textDelta, WireScript } from './wire-script.ts';

const dbFile = process.argv[2] ?? '';
const recorder = openRecorder({
  dbFile,
  run: runStartOfTests({ id: 'run-killed', startedAt: Date.now() }),
  maskKey: maskKeyOfTests,
  secrets: [],
});
await recorder.ready;
const script = new WireScript(Date.now());
script.call('ex-1').answer('ex-1', plainAnswer('It is there.'));
script
  .call('ex-2', { turn: 'turn-2', prompt: 'count' })
  .head('ex-2')
  .data('ex-2', sse(created('resp_2')));
for (const event of script.events.splice(0)) recorder.push(event);
let word = 0;
setInterval(() => {
  script.wait(20).data('ex-2', sse(textDelta(`${word++} `)));
  for (const event of script.events.splice(0)) recorder.push(event);
  process.stdout.write(`${word}\n`);
}, 20);
