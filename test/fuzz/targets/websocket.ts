// WebSocket frames, damaged: the same events however they are cut, and no more in messages than came. Whole ones give what was put in.
import { constants, deflateRawSync } from 'node:zlib';

import { readFrames, type FrameEvent } from '../../../src/proxy/websocket-frames.ts';
import { WebSocketInflater } from '../../../src/proxy/websocket-inflater.ts';
import { frame, message } from '../../support/websocket-frames.ts';
import { cutCase } from '../case.ts';
import type { FuzzTarget } from '../case.ts';
import { must, mustEqual } from '../expectations.ts';

const mask = Buffer.from('37fa213d', 'hex');
const text = '{"type":"response.output_text.delta","delta":"and so on and so on"}';
const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const close = frame({ opcode: 8, payload: Buffer.from('03e8627965', 'hex') });
const samples: readonly (readonly [Buffer, readonly string[]])[] = [
  [Buffer.concat([message('hello', { mask }), message(text, { mask, partBytes: 20 }), close]), ['hello', text, 'close 1000 bye']],
  [Buffer.concat([frame({ opcode: 9, payload: 'ping' }), message(text, { isBinary: true })]), [text]],
  [Buffer.concat([message(deflated, { isCompressed: true }), message(deflated, { isCompressed: true, partBytes: 9, mask })]), [text, text]],
  [message('y'.repeat(300), { partBytes: 130 }), ['y'.repeat(300)]],
  [Buffer.concat([message('', {}), frame({ opcode: 10 }), frame({ opcode: 8 })]), ['', 'close 1005 ']],
]; // prettier-ignore
const known = new Map(samples.map(([bytes, wanted]) => [bytes.toString('latin1'), wanted]));

export const webSocket: FuzzTarget = {
  name: 'websocket',
  samples: [...samples.map(([bytes]) => bytes), message('z'.repeat(66_000), { mask }).subarray(0, 350)],
  words: ['\x81\x00', '\x89\x00', '\x00\x01', '\xc1\x05', '\x82\x7f', '\x81\xfe\x00\x05'],
  longest: 350,
  check(fuzzed) {
    const mayCompress = fuzzed.seed % 4 !== 0;
    const read = (chunks: readonly Buffer[]): { events: FrameEvent[]; isLost: boolean; unfinished: number } => {
      const reader = readFrames({ mayCompress });
      const events = chunks.flatMap((chunk) => reader.push(chunk));
      return { events, isLost: reader.isLost(), unfinished: reader.unfinishedBytes() };
    };
    const before = fuzzed.input.toString('latin1');
    const whole = read([fuzzed.input]);
    must(fuzzed.input.toString('latin1') === before, 'what passes was changed');
    mustEqual(read(cutCase(fuzzed)), whole, 'cut, the frames say something else');
    const bytes = whole.events.reduce((sum, event) => sum + (event.type === 'message' ? event.data.length : 0), 0);
    must(bytes + whole.unfinished <= fuzzed.input.length, 'more in messages than came');
    const said = whole.events.map((event) => sayEvent(event));
    const wanted = known.get(before);
    if (wanted !== undefined && mayCompress) mustEqual(said, wanted, 'whole frames say something else than was put in');
  },
};

function sayEvent(event: FrameEvent): string | null {
  if (event.type !== 'message') return event.type === 'close' ? `close ${event.code} ${event.reason}` : null;
  if (!event.isCompressed) return event.data.toString();
  const plain = new WebSocketInflater(true).inflate(event.data);
  must(!(plain instanceof Promise), 'a small message is inflated at once');
  return plain === null ? null : plain.toString();
}
