// When keys are written: before what the server says, however late they come, and not for ever.
import { describe, expect, it } from 'vitest';

import { originOfTests } from '../../../test/support/dump-script.ts';
import { TlsCapture, type CaptureEvent } from './tls-capture.ts';

const random = 'ab'.repeat(32);
const hello = Buffer.concat([
  Buffer.from('16030100c4010000c00303', 'hex'),
  Buffer.from(random, 'hex'),
  Buffer.alloc(100),
]);
const labels = [
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'EXPORTER_SECRET',
  'SERVER_TRAFFIC_SECRET_0',
  'CLIENT_TRAFFIC_SECRET_0',
];

/** The blocks that a capture writes: `secrets:<lines>` and `packet:<length>`, of an event each. */
function blocksOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const blocks: string[] = [];
  for (let at = 0; at < buffer.length; at += buffer.readUInt32LE(at + 4)) {
    const type = buffer.readUInt32LE(at);
    if (type === 0x0a)
      blocks.push(
        `secrets:${buffer.toString('latin1', at + 16, at + 16 + buffer.readUInt32LE(at + 12)).split('\n').length - 1}`,
      );
    else if (type === 6) blocks.push(`packet:${buffer.readUInt32LE(at + 20)}`);
    else blocks.push(`block:${type}`);
  }
  return blocks;
}

function open(): { write: (event: object) => string[]; finish: () => string[]; wait: (ms: number) => void } {
  const capture = new TlsCapture(originOfTests);
  let mono = 10;
  const client = { address: '127.0.0.1', port: 40_001 };
  capture.start();
  const write = (event: object): string[] =>
    blocksOf(capture.write({ tapId: 't', at: 1e12 + mono, mono, ...event } as CaptureEvent));
  write({ type: 'tapOpened', leg: 'agent', host: 'chatgpt.com', client, server: { ...client, port: 40_000 } });
  return { write, finish: () => blocksOf(capture.finish()), wait: (ms) => void (mono += ms) };
}

const data = (from: string, bytes: Uint8Array | string): object => ({
  type: 'tapData',
  from,
  data: Buffer.from(bytes),
});
const keys = (label: string): object => ({ type: 'tapKeys', line: `${label} ${random} 00ff` });

describe('the keys of a connection', () => {
  it('stand before its ServerHello, in one block, when all of them have come', () => {
    const { write } = open();
    expect(write(data('client', hello))).toEqual([`packet:${40 + hello.length}`]);
    expect(write(data('server', 'ServerHello'))).toEqual([]);
    expect(write(data('client', 'Finished'))).toEqual([]);
    for (const label of labels.slice(0, -1)) expect(write(keys(label))).toEqual([]);
    expect(write(keys(labels.at(-1)!))).toEqual(['secrets:5', 'packet:51', 'packet:48', 'packet:40']);
    expect(write(data('server', 'data'))).toEqual(['packet:44', 'packet:40']);
  });

  it('may come before the server says anything, and are one line for TLS 1.2', () => {
    const { write } = open();
    write(data('client', hello.subarray(0, 20)));
    write(data('client', hello.subarray(20)));
    write(keys('CLIENT_RANDOM'));
    expect(write(data('server', 'ServerHello'))).toEqual(['secrets:1', 'packet:51']);
    expect(write(keys('LATE_SECRET'))).toEqual(['secrets:1']);
  });

  it('are not waited for for ever: not by time, not by size, not at the end, and not where there is no TLS', () => {
    const late = open();
    late.write(data('client', hello));
    late.write(data('server', 'ServerHello'));
    late.wait(6000);
    expect(late.write(data('client', 'x'))).toEqual(['packet:51', 'packet:41', 'packet:40']);
    const large = open();
    large.write(data('client', hello));
    large.write(data('server', 'ServerHello'));
    expect(large.write(data('server', Buffer.alloc(1024 * 1024))).length).toBeGreaterThan(700);
    const ended = open();
    ended.write(data('client', hello));
    ended.write(data('server', 'ServerHello'));
    ended.write(keys(labels[0]!));
    expect(ended.finish()).toEqual(['secrets:1', 'packet:51', 'packet:40', 'packet:40', 'packet:40']);
    const plain = open();
    plain.write(data('client', 'SSH-2.0-client\r\n'));
    expect(plain.write(data('server', 'SSH-2.0-server\r\n'))).toEqual(['packet:56']);
  });
});
