// `tapes intercept` from the build, whose proxy and root are used by the test itself. What tapes takes of memory is read from the system.
import { existsSync, readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';

import { testRootFile } from '../support/certificates.ts';
import type { RunResult } from '../support/run.ts';
import { makeTapesHome } from '../support/tapes.ts';
import type { TapesHome } from '../support/tapes.ts';
import { startWaitingAgent } from '../support/waiting-agent.ts';

export interface WaitingTapes {
  readonly tapes: TapesHome;
  /** TLS to chatgpt.com, through the proxy. */
  connect(alpn: string): Promise<TLSSocket>;
  /** The most that the process of tapes has had in memory so far. */
  peakBytes(): number;
  /** Ends the agent, and with it the run. */
  end(): Promise<RunResult>;
  close(): Promise<void>;
}

/** `port`: of the provider, on loopback. */
export async function startWaitingTapes(port: number): Promise<WaitingTapes> {
  const tapes = makeTapesHome();
  const options = ['--resolve', `chatgpt.com:443:127.0.0.1:${port}`, '--upstream-ca', testRootFile];
  const { running, connect, end: endAgent } = await startWaitingAgent(tapes, options);
  let peak = 0;
  const peakBytes = (): number => {
    const status = existsSync(`/proc/${running.pid}/status`) ? readFileSync(`/proc/${running.pid}/status`, 'utf8') : '';
    peak = Math.max(peak, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    return peak;
  };
  const end = async (): Promise<RunResult> => {
    peakBytes();
    return endAgent();
  };
  return {
    tapes,
    connect: (alpn) => connect('chatgpt.com', alpn),
    peakBytes,
    end,
    async close() {
      await end();
      tapes.remove();
    },
  };
}
