// 50 `tapes intercept` at once on one database in a new home, each with five calls by curl: is anything lost, is anything told to be locked?
//   npm run build && npx tsx bench/fifty-at-once.ts [processes] [calls each]
import { runAtOnce } from '../test/support/at-once.ts';

const processes = Number(process.argv[2] ?? 50);
const callsEach = Number(process.argv[3] ?? 5);
const { wrong, readyMs, callsMs } = await runAtOnce(processes, callsEach, 300_000);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
console.log(`${processes} processes × ${callsEach} calls`);
console.log(
  `all ready after ${seconds(readyMs)}; calls, answers and the closing of all recordings: ${seconds(callsMs)}`,
);
console.log(wrong.length === 0 ? 'nothing lost, nothing locked, every request as it was sent' : wrong.join('\n'));
process.exitCode = wrong.length === 0 ? 0 : 1;
