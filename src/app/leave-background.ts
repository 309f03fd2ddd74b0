// What a standing proxy says to, and does for, the background processes of agents: at its start those that it does not see, at its end those that
// would wait for it for ever.
import {
  findBackgroundProcesses,
  stopBackgroundProcess,
  type BackgroundProcess,
  type BackgroundSearch,
} from './background-processes.ts';

export interface Talk {
  readonly onProgress: (line: string) => void;
  readonly onWarning: (line: string) => void;
}

export interface Leaving {
  /** They have ended with what they were at, or cannot; after `withinMs`, or with `stopAtOnce`, at the latest. */
  readonly done: Promise<unknown>;
  /** The proxy has ended: those that are left are ended, or named with the command that does it. */
  cutOff(): Promise<void>;
}

// The first request may have been cut short before it was made; the one after it is then the first, and the next ends the process at once.
const cutOffTries = 2;
const cutOffMs = 2_000;

export async function warnOfBackground(search: BackgroundSearch, { onWarning }: Talk): Promise<void> {
  for (const { profile, pid, isPointed, stopCommand } of await findBackgroundProcesses(search)) {
    if (isPointed === true) continue;
    const says = isPointed === null ? 'may have been' : 'was';
    onWarning(
      `a background process of ${profile.name} (pid ${pid}) ${says} started without this proxy, and its traffic is not seen. ` +
        `End it, and the next ${profile.name} started with \`tapes env\` starts another: ${stopCommand}`,
    );
  }
}

/** Asks each agent to end its process that points at the proxy. What it is at goes on through the proxy meanwhile. */
export async function leaveBackground(
  search: BackgroundSearch,
  talk: Talk,
  withinMs: number,
  stopAtOnce: AbortSignal,
): Promise<Leaving> {
  const found = await findBackgroundProcesses(search);
  const pointing = found.filter(({ isPointed }) => isPointed === true);
  const { environment } = search;
  const done = Promise.all(pointing.map((one) => stopBackgroundProcess(one, environment, withinMs, stopAtOnce)));
  return {
    done,
    async cutOff() {
      // Codex's own command waits for another that is at the same.
      await done;
      await Promise.all(pointing.map((one) => end(one, search, talk)));
      for (const one of found) if (one.isPointed === null) talk.onWarning(sayLeft(one, 'may point'));
    },
  };
}

/** What it was at is cut by now: asked a second time, Codex's daemon ends at once. */
async function end(found: BackgroundProcess, { environment }: BackgroundSearch, talk: Talk): Promise<void> {
  const { profile, pid } = found;
  for (let tries = 0; tries < cutOffTries; tries += 1) {
    if (!(await stopBackgroundProcess(found, environment, cutOffMs))) continue;
    talk.onProgress(`${profile.name} has ended its background process (pid ${pid}), which pointed at this proxy`);
    return;
  }
  talk.onWarning(sayLeft(found, 'points'));
}

const sayLeft = ({ profile, pid, stopCommand }: BackgroundProcess, points: string): string =>
  `a background process of ${profile.name} (pid ${pid}) ${points} at this proxy, which has ended, and then waits for it. End it: ${stopCommand}`;
