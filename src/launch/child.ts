// Runs the child with the terminal handed through, and passes on the signals that tapes gets in its place.
import { constants } from 'node:os';

import { watchTerminal, type TerminalWatch } from './gone-terminal.ts';
import { postSentinel, type GroupSentinel } from './group-sentinel.ts';
import { spawnProgram, whenEnded } from './spawn-program.ts';

export interface ChildCommand {
  readonly file: string;
  /** The name it was called by (argv[0]). */
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ChildResult {
  /** As a shell would report it: 128+n where a signal ended the child. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** Why the child never ran (the system's code and text), or null. */
  readonly spawnError: { readonly code: string; readonly message: string } | null;
}

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

/** Runs `command` to its end. Never rejects. */
export async function runChild(command: ChildCommand): Promise<ChildResult> {
  const terminal = watchTerminal();
  terminal.endWithTerminal();
  // The handlers stand before the child does: one that starts fast, on a busy machine, may provoke a signal at once.
  let send: (signal: NodeJS.Signals) => unknown = () => undefined;
  const signals = passSignals((signal) => send(signal), terminal);
  // The child's life is its own: it ends when it wants to, and signals reach it as they were sent.
  const { child, error } = spawnProgram({
    ...command,
    options: { cwd: command.cwd, env: command.environment, stdio: 'inherit', windowsHide: false },
  });
  if (child === null) {
    const { code = 'EUNKNOWN', message } = await error;
    signals.stop();
    return { exitCode: 126, signal: null, spawnError: { code, message } };
  }
  send = (signal) => child.kill(signal);
  signals.watchGroup();
  const { exitCode, signal } = await whenEnded(child, 'exit');
  signals.stop();
  return { exitCode: exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal, spawnError: null };
}

const hold = (): void => undefined;

interface SignalPassing {
  /** In the same turn of the event loop in which the child was started, and behind it: to start another process takes some ms. */
  watchGroup(): void;
  stop(): void;
}

/**
 * Passes signals on until it is stopped. From then on they are held back, for the rest of the process: what is
 * left to do is to put the run's end on disk, which is bounded in time, and one closed terminal may send SIGHUP more than once.
 */
function passSignals(kill: (signal: NodeJS.Signals) => unknown, terminal: TerminalWatch): SignalPassing {
  let sentinel: GroupSentinel | null = null;
  const handlers = new Map<NodeJS.Signals, () => void>();
  for (const signal of passedOn) {
    handlers.set(signal, () => {
      // At once: Codex aborts, with a core file, where it meets its terminal gone before it has the signal.
      if (signal === 'SIGHUP' && terminal.wasForLeader()) kill(signal);
      else void sentinel?.wasForAll(signal).then((wasForAll) => wasForAll || kill(signal));
    });
  }
  // A second stop or continue changes nothing, so these need no sentinel. Stopping tapes itself is what the shell waits for.
  handlers.set('SIGTSTP', () => {
    kill('SIGTSTP');
    process.kill(process.pid, 'SIGSTOP');
  });
  handlers.set('SIGCONT', () => kill('SIGCONT'));
  if (process.platform === 'win32') handlers.delete('SIGTSTP');
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    watchGroup: () => (sentinel = postSentinel()),
    stop() {
      for (const signal of passedOn) if (!process.listeners(signal).includes(hold)) process.on(signal, hold);
      for (const [signal, handler] of handlers) process.off(signal, handler);
      sentinel?.close();
    },
  };
}
