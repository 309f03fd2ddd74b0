// Gives each exchange that passes a standing proxy to the run of its agent's session, and what belongs to no session to the proxy's own run.
// A run whose session has been idle is ended and let go; a session that comes back gets a new one.
import { attributeRequest, type RequestOrigin } from '../agents/index.ts';
import { isCallRequest } from '../derive/index.ts';
import {
  newId,
  type ConnectionEvent,
  type Pace,
  type RequestHead,
  type Sink,
  type WireEvent,
} from '../domain/index.ts';
import type { Recorder, RecorderReport, RecorderThread, RunStart } from '../store/index.ts';
import { ConnectionRoutes } from './route-connections.ts';
import { SessionReports } from './session-reports.ts';

export interface RouteRunsOptions {
  /** The agent that the proxy's own run is of, where a background request does not say otherwise. */
  readonly agent: string;
  readonly openThread: () => RecorderThread;
  /** Of the proxy: its own run has all of it, the others get some. */
  readonly start: Pick<RunStart, 'argv' | 'cwd' | 'label' | 'pid' | 'version'>;
  /** Each request of a run whose process is not known yet; to be answered by `describe` where it can be told. */
  readonly askProcess: (head: RequestHead, describe: Recorder['describeRun']) => void;
  /** Names the proxy. Default: a new one. */
  readonly ownId?: string | undefined;
  /** Told of each exchange whose run it is. */
  readonly onRouted?: ((exchangeId: string, run: { readonly id: string; readonly agent: string }) => void) | undefined;
  readonly now?: () => number;
  readonly idleMs?: number;
  readonly ownRunMs?: number;
}

interface LiveRun {
  readonly id: string;
  readonly agent: string;
  readonly recorder: Recorder;
  open: number;
  lastAt: number;
  isDescribed: boolean;
  asked: number;
}

const defaultIdleMs = 15 * 60_000;
/** What is in a run that goes on cannot be pruned: so the proxy's own is followed by another each day. */
const defaultOwnRunMs = 24 * 3_600_000;
const lookEveryMs = 30_000;
/** Beyond this, the run that has been idle for longest makes room. */
const liveRuns = 32;
// The connection of a request is often gone before its process is found; the next one may be found.
const askedTimes = 8;
const restartAfterMs = 10_000;

export class RunRouter implements Sink<SessionReports> {
  readonly #options: RouteRunsOptions;
  readonly #now: () => number;
  #reports = new SessionReports();
  readonly #runs = new Map<string, LiveRun>();
  /** Whose an open exchange is. */
  readonly #exchanges = new Map<string, LiveRun>();
  readonly #connections = new ConnectionRoutes<LiveRun>((run, event) => run.recorder.push(event));
  readonly #ending = new Map<Recorder, Promise<void>>();
  readonly #secrets = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #thread: RecorderThread;
  #threadAt: number;
  /** Names the proxy: the id of its own first run, which its other runs refer to. */
  #ownId: string;
  #own: LiveRun;
  #ownSince: number;
  #closed: Promise<SessionReports> | null = null;

  constructor(options: RouteRunsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#ownId = options.ownId ?? newId();
    this.#thread = options.openThread();
    this.#threadAt = this.#now();
    this.#ownSince = this.#threadAt;
    this.#own = this.#openOwn(options.agent, this.#ownId);
    this.#timer = setInterval(() => this.endIdle(), lookEveryMs);
    this.#timer.unref();
  }

  /** Of the proxy's own run: an error where the database is refused. */
  get ready(): Recorder['ready'] {
    return this.#own.recorder.ready;
  }

  /** Of whichever thread records. */
  get pace(): Pace {
    return {
      isBehind: () => this.#thread.pace.isBehind(),
      whenNotBehind: (goOn) => this.#thread.pace.whenNotBehind(goOn),
    };
  }

  /** How many sessions are being recorded. */
  get liveSessions(): number {
    return this.#runs.size;
  }

  learnSecrets(values: readonly string[]): void {
    // For a thread that takes this one's place. An old one is not forgotten: there are a few for each login.
    for (const value of values) if (this.#secrets.size < 1_000) this.#secrets.add(value);
    this.#thread.learnSecrets(values);
  }

  push(event: WireEvent): void {
    switch (event.type) {
      case 'requestStarted':
      case 'upgradeRefused':
      case 'socketOpened': {
        const run = this.#choose(event.request);
        run.lastAt = this.#now();
        if (event.type !== 'upgradeRefused') {
          run.open += 1;
          this.#exchanges.set(event.exchangeId, run);
        }
        this.#ask(run, event.request);
        this.#options.onRouted?.(event.exchangeId, run);
        this.#connections.use('agent', event.request.client, run);
        this.#useUpstream(event, run);
        run.recorder.push(event);
        return;
      }
      case 'requestData':
      case 'requestEnded':
      case 'responseStarted':
      case 'responseData':
      case 'socketMessage':
      case 'socketMissed': {
        const run = this.#exchanges.get(event.exchangeId);
        if (run === undefined) return;
        this.#useUpstream(event, run);
        run.recorder.push(event);
        return;
      }
      case 'responseEnded':
      case 'exchangeAborted':
      case 'socketClosed': {
        const run = this.#exchanges.get(event.exchangeId);
        if (run === undefined) return;
        this.#exchanges.delete(event.exchangeId);
        run.open -= 1;
        run.lastAt = this.#now();
        this.#useUpstream(event, run);
        run.recorder.push(event);
        return;
      }
      case 'tunnelOpened':
      case 'tunnelClosed':
      case 'tlsFailed':
        return;
      default:
        event satisfies never;
    }
  }

  tellConnection(event: ConnectionEvent): void {
    this.#connections.push(event);
  }

  /** What is still open is about to be cut by tapes, and not by its agent. */
  cutOpen(): void {
    const mono = performance.now();
    for (const [exchangeId, run] of this.#exchanges) {
      run.open -= 1;
      const at = performance.timeOrigin + mono;
      run.recorder.push({ type: 'exchangeAborted', exchangeId, by: 'tapes', error: null, at, mono });
    }
    this.#exchanges.clear();
  }

  /** Ends the runs of sessions that have been idle for long. */
  endIdle(): void {
    const before = this.#now() - (this.#options.idleMs ?? defaultIdleMs);
    for (const [key, run] of this.#runs) if (run.open === 0 && run.lastAt <= before) this.#end(key, run);
    if (this.#own.open > 0 || this.#now() < this.#ownSince + (this.#options.ownRunMs ?? defaultOwnRunMs)) return;
    this.#end(null, this.#own);
    this.#ownSince = this.#now();
    this.#own = this.#openOwn(this.#options.agent, newId());
  }

  /** Of runs that are ending. */
  get waitingEvents(): number {
    let events = 0;
    for (const recorder of this.#ending.keys()) events += recorder.waitingEvents;
    return events;
  }

  dropWaiting(): void {
    for (const recorder of this.#ending.keys()) recorder.dropWaiting();
  }

  /** All is on disk, and what was recorded is told. Settles within about ten seconds, and within a minute where much is waiting and gets on. */
  close(): Promise<SessionReports> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<SessionReports> {
    clearInterval(this.#timer);
    for (const [key, run] of this.#runs) this.#end(key, run);
    this.#end(null, this.#own);
    while (this.#ending.size > 0) await Promise.all(this.#ending.values());
    this.#thread.leave();
    return this.#reports;
  }

  #useUpstream(event: WireEvent, run: LiveRun): void {
    if ('upstream' in event && event.upstream !== undefined)
      this.#connections.use('provider', event.upstream.local, run);
  }

  #choose({ host, headers, path, method }: RequestHead): LiveRun {
    this.#replaceThread();
    const origin = attributeRequest(host, headers, path);
    if (origin.isBackground) {
      // A title is of the agent that asks for it.
      if (origin.agent === this.#options.agent) return this.#own;
      return this.#find(`background\n${origin.agent}`, () => this.#openOwn(origin.agent, newId()));
    }
    // Lists of models, account checks: of the agent, and of no session.
    if (origin.sessionId === null && !isCallRequest(method, path)) return this.#own;
    return this.#find(`${origin.agent}\n${origin.sessionId ?? ''}`, () => this.#openSession(origin));
  }

  #find(key: string, open: () => LiveRun): LiveRun {
    const known = this.#runs.get(key);
    if (known !== undefined) return known;
    if (this.#runs.size >= liveRuns) this.#makeRoom();
    const run = open();
    this.#runs.set(key, run);
    return run;
  }

  #makeRoom(): void {
    const idle = [...this.#runs].filter(([, { open }]) => open === 0);
    const [longest] = idle.toSorted(([, a], [, b]) => a.lastAt - b.lastAt);
    if (longest !== undefined) this.#end(...longest);
  }

  #openSession({ agent, cwd }: RequestOrigin): LiveRun {
    const { pid, version, label } = this.#options.start;
    const run = { argv: [], cwd: cwd ?? '', label, pid, version, kind: 'session', proxyRunId: this.#ownId } as const;
    return this.#openRun({ ...run, id: newId(), agent, startedAt: this.#now() }, false);
  }

  #openOwn(agent: string, id: string): LiveRun {
    const more = id === this.#ownId ? {} : { proxyRunId: this.#ownId };
    return this.#openRun({ ...this.#options.start, ...more, id, agent, kind: 'proxy', startedAt: this.#now() }, true);
  }

  #openRun(start: RunStart, isDescribed: boolean): LiveRun {
    const { id, agent } = start;
    return {
      id,
      agent: agent ?? 'an agent that is not known',
      recorder: this.#thread.openRun(start),
      open: 0,
      lastAt: this.#now(),
      isDescribed,
      asked: 0,
    };
  }

  #ask(run: LiveRun, head: RequestHead): void {
    if (run.isDescribed || run.asked >= askedTimes) return;
    run.asked += 1;
    this.#options.askProcess(head, (facts) => {
      if (run.isDescribed) return;
      run.isDescribed = true;
      run.recorder.describeRun(facts);
    });
  }

  /** `key`: null for the proxy's own. */
  #end(key: string | null, run: LiveRun): void {
    const { recorder } = run;
    if (key !== null) this.#runs.delete(key);
    this.#connections.forget(run);
    recorder.endRun({ exitCode: null, signal: null, endedAt: this.#now() });
    const reports = this.#reports;
    const ending = recorder.close().then((report: RecorderReport) => {
      reports.add(report);
      this.#ending.delete(recorder);
    });
    this.#ending.set(recorder, ending);
  }

  /** The database is no longer where it was: what was recorded has gone with it, and what comes from now on is recorded in a new one. */
  startAnew(): void {
    const thread = this.#thread;
    this.#exchanges.clear();
    this.#openThread();
    this.#reports = new SessionReports();
    void Promise.all(this.#ending.values()).then(() => thread.leave());
  }

  /** A thread that has crashed takes its runs with it; what comes from then on is recorded by another. */
  #replaceThread(): void {
    if (this.#thread.failure === null || this.#now() < this.#threadAt + restartAfterMs) return;
    this.#openThread();
  }

  /** In the place of the one that there was, whose runs end. */
  #openThread(): void {
    const lost = [...this.#runs];
    for (const [key, run] of lost) this.#end(key, run);
    this.#end(null, this.#own);
    this.#thread = this.#options.openThread();
    this.#threadAt = this.#now();
    this.#thread.learnSecrets([...this.#secrets]);
    this.#ownId = newId();
    this.#ownSince = this.#threadAt;
    this.#own = this.#openOwn(this.#options.agent, this.#ownId);
  }
}
