// While a trial runs, what would end tapes ends the trial first; then the signal has its way.

const held = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export interface HeldSignals {
  /** From now on signals do as always. One that came meanwhile ends this process, as it would have. */
  release(): void;
}

export function holdSignals(onSignal: () => void): HeldSignals {
  let came: NodeJS.Signals | null = null;
  const hold = (signal: NodeJS.Signals): void => {
    came ??= signal;
    onSignal();
  };
  for (const signal of held) process.on(signal, hold);
  return {
    release() {
      for (const signal of held) process.off(signal, hold);
      if (came !== null) process.kill(process.pid, came);
    },
  };
}
