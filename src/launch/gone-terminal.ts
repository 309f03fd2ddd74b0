// What to do when the terminal goes away (its window is closed).
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface TerminalWatch {
  /** Has the terminal gone, and has the kernel told tapes alone? It tells the leader of the session, and the others when that has ended. */
  wasForLeader(): boolean;
  /**
   * Has tapes, at its very end, die of the SIGHUP that it held back, if the terminal has gone. Node sets the modes of the terminal
   * back as it exits, and where that fails with EIO it aborts, with a core file (`ResetStdio` in node.cc; seen with Node 20.20.2).
   */
  endWithTerminal(): void;
}

/** To be called while the terminal is still there. */
export function watchTerminal(): TerminalWatch {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  const hasGone = (): boolean => !terminals.every((fd) => isatty(fd));
  const isLeader = leadsSession();
  return {
    wasForLeader: () => isLeader && hasGone(),
    endWithTerminal() {
      process.once('exit', () => {
        if (!hasGone()) return;
        process.removeAllListeners('SIGHUP');
        process.kill(process.pid, 'SIGHUP');
      });
    },
  };
}

/** Node has no getsid: Linux tells it in a file, other systems are taken for no leader (a SIGHUP is then passed on a little later). */
function leadsSession(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // proc(5): pid (name) state ppid pgrp session; the name may have anything in it.
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    return Number(session) === process.pid;
  } catch {
    return false;
  }
}
