// The client of all benchmarks, a program of its own: does one job after another, as it is told, and says what it saw.
import { openConnections, type ConnectionsAnswer, type ConnectionsJob } from './jobs/open-connections.ts';
import { makeCalls, type CallsAnswer, type CallsJob } from './jobs/make-calls.ts';
import { readStreams, type StreamsAnswer, type StreamsJob } from './jobs/read-streams.ts';
import { saturate, type SaturateAnswer, type SaturateJob } from './jobs/saturate.ts';
import { timeFirstByte, type FirstByteAnswer, type FirstByteJob } from './jobs/time-first-byte.ts';
import { transfer, type TransferAnswer, type TransferJob } from './jobs/transfer.ts';

export type Job = StreamsJob | SaturateJob | FirstByteJob | ConnectionsJob | CallsJob | TransferJob;

export interface AnswerOf {
  readonly streams: StreamsAnswer;
  readonly saturate: SaturateAnswer;
  readonly firstByte: FirstByteAnswer;
  readonly connections: ConnectionsAnswer;
  readonly calls: CallsAnswer;
  readonly transfer: TransferAnswer;
}

export type Told = { readonly answer: AnswerOf[Job['type']] } | { readonly failure: string };

process.on('message', (job: Job) => {
  perform(job).then(
    (answer) => process.send?.({ answer } satisfies Told),
    (error: unknown) => process.send?.({ failure: (error as Error).message } satisfies Told),
  );
});
// What fails on a socket nobody waits for any more is told by the job that waited for its answer.
process.on('unhandledRejection', () => undefined);
process.once('disconnect', () => process.exit());
process.send?.('ready');

async function perform(job: Job): Promise<AnswerOf[Job['type']]> {
  switch (job.type) {
    case 'streams':
      return readStreams(job);
    case 'saturate':
      return saturate(job);
    case 'firstByte':
      return timeFirstByte(job);
    case 'connections':
      return openConnections(job);
    case 'calls':
      return makeCalls(job);
    case 'transfer':
      return transfer(job);
  }
}
