// Starts provider and client, each a process on its core, and asks the client for its jobs. A client that does not answer in time is replaced.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { Pin } from '../peers/pin.ts';
import type { AnswerOf, Job, Told } from './client.ts';
import type { UpstreamPorts } from './upstream.ts';

export interface Traffic extends UpstreamPorts {
  readonly upstreamPid: number;
  readonly clientPid: () => number;
  ask<J extends Job>(job: J, timeoutMs: number): Promise<AnswerOf[J['type']]>;
  close(): void;
}

export async function startTraffic(pin: Pin): Promise<Traffic> {
  const begin = async (name: string, core: 'client' | 'upstream'): Promise<{ child: ChildProcess; said: unknown }> => {
    const [command, args] = pin(core, process.execPath, [...process.execArgv, join(import.meta.dirname, name)]);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} before it stood`);
    return { child, said };
  };
  const upstream = await begin('upstream.ts', 'upstream');
  let client = (await begin('client.ts', 'client')).child;
  return {
    ...(upstream.said as UpstreamPorts),
    upstreamPid: upstream.child.pid ?? 0,
    clientPid: () => client.pid ?? 0,
    async ask(job, timeoutMs) {
      const late = AbortSignal.timeout(timeoutMs);
      client.send(job);
      try {
        const [told] = (await once(client, 'message', { signal: late })) as [Told];
        if ('failure' in told) throw new Error(told.failure);
        return told.answer as never;
      } catch (error) {
        if (!late.aborted) throw error;
        client.kill('SIGKILL');
        client = (await begin('client.ts', 'client')).child;
        throw new Error(`no answer to ${job.type} in ${timeoutMs / 1000} s`, { cause: error });
      }
    },
    close() {
      client.kill();
      upstream.child.kill();
    },
  };
}
