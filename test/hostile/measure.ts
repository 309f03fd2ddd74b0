// `npm run hostile`: each hostile input through a tapes of its own, the large ones at full size (a line of 1 GB, two million events), and a
// line of the table in docs/reliability.md for each: what it may take, and what it took.
import { hostileInputs } from './inputs.ts';
import { openHostileScene } from './scene.ts';
import { hostileSockets } from './socket-inputs.ts';
import { openSocketScene } from './socket-scene.ts';

const scale = 16;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

say('| input | bound | measured | what the recording says |');
say('| --- | --- | --- | --- |');
for (const input of hostileInputs(scale)) {
  const scene = await openHostileScene();
  try {
    const { answer, sent, call } = await scene.pass(input);
    if (answer.sha256 !== sent.sha256) throw new Error(`${input.name}: the client got other bytes`);
    const says = [call.request?.problem, call.response?.problem].filter((problem) => problem !== null).join('; ');
    const peak = scene.peakBytes();
    say(`| ${input.name} | ${input.boundMegabytes} MB | ${megabytes(peak)} | ${says === '' ? 'nothing' : says} |`);
    if (peak / 2 ** 20 > input.boundMegabytes) process.exitCode = 1;
  } finally {
    await scene.close();
  }
}
for (const input of hostileSockets(2)) {
  const scene = await openSocketScene();
  try {
    const { said, got } = await scene.pass(input);
    if (said !== got) throw new Error(`${input.name}: the other side got other bytes`);
    const { stderr } = await scene.end();
    const missing = /not recorded: (.*)/.exec(stderr)?.[1] ?? 'nothing';
    const peak = scene.peakBytes();
    say(
      `| WebSocket, from ${input.from}: ${input.name} | ${input.boundMegabytes} MB | ${megabytes(peak)} | ${missing} |`,
    );
    if (peak / 2 ** 20 > input.boundMegabytes) process.exitCode = 1;
  } finally {
    await scene.close();
  }
}
