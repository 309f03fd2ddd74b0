// Tells whether a signal went to the whole process group (Ctrl-C on a terminal, `kill -INT -pgid`) or to tapes alone.
// In the first case the child has had it already, and passing it on would make two of one Ctrl-C; Node does not say who sent a
// signal. So a process that does nothing (`cat` on a pipe that we hold open) sits in the group: what kills it went to all.
import { spawn, type ChildProcess } from 'node:child_process';

// Both deaths are told within a millisecond or two on an idle machine; more only delays a signal that was sent to tapes alone.
const waitMs = 100;
// One of the two may be told late, as when the engine is being loaded (60 to 200 ms, in one piece), and two quick Ctrl-C find one sentinel.
const recentMs = 1_000;

export interface GroupSentinel {
  /** Did `signal`, which tapes has just received, go to the whole group? */
  wasForAll(signal: NodeJS.Signals): Promise<boolean>;
  close(): void;
}

export function postSentinel(): GroupSentinel {
  let closed = false;
  let lastDeath: { readonly signal: NodeJS.Signals; readonly at: number } | null = null;
  const waiting = new Set<() => void>();
  let sentinel: ChildProcess | null = null;
  const post = (): void => {
    if (closed || process.platform === 'win32') return;
    const posted = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
    sentinel = posted;
    posted.once('error', () => (sentinel = null));
    posted.stdin?.on('error', () => undefined);
    posted.unref();
    (posted.stdin as unknown as { unref?: () => void }).unref?.();
    posted.once('exit', (_code, signal) => {
      if (signal === null) return;
      lastDeath = { signal, at: performance.now() };
      for (const look of waiting) look();
      post();
    });
  };
  post();
  return {
    async wasForAll(signal) {
      const isRecent = (): boolean => lastDeath?.signal === signal && performance.now() - lastDeath.at < recentMs;
      if (!isRecent()) {
        await new Promise<void>((resolve) => {
          // A busy event loop comes to its timers before it hears of a death that lies behind them: it gets one more turn.
          const timer = setTimeout(() => setImmediate(done), waitMs);
          const done = (): void => {
            clearTimeout(timer);
            waiting.delete(look);
            resolve();
          };
          const look = (): void => {
            if (isRecent()) done();
          };
          waiting.add(look);
        });
      }
      return isRecent();
    },
    close() {
      closed = true;
      sentinel?.kill('SIGKILL');
    },
  };
}
