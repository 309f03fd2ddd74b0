// From what was seen of a trial to its checks: what the agent did, how long it took for it, and, of the first thing that it did not do,
// the cause and the next command. What lies behind that could not be told. Pure.
import type { AgentProfile } from '../../agents/index.ts';
import { permits } from '../../ca/index.ts';
import { shellWord, type Call } from '../../domain/index.ts';
import type { Check, Finding } from './check.ts';
import { expected, type Trial } from './run-trial.ts';

export interface TrialContext {
  readonly profile: AgentProfile;
  /** What was run, and how it was found. */
  readonly name: string;
  readonly file: string;
  /** A script hides what it sets before it starts the agent. */
  readonly isScript: boolean;
  /** What it says of its version; null where it says nothing. */
  readonly version: string | null;
  readonly timeoutMs: number;
  /** ms since the epoch. */
  readonly now: number;
}

interface Step {
  readonly name: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly judge: (trial: Trial, context: TrialContext) => Finding;
}

// A fallback takes 80 ms; one that is waited for longer than this is a retry in disguise.
const promptMs = 2_000;

export function judgeTrial(trial: Trial, context: TrialContext): Check[] {
  const { testimony, startedAt, endedAt, recordedAt } = trial;
  const { connectedAt, trustedAt, upgradesAt, postedAt, call } = testimony;
  const steps: readonly Step[] = [
    { name: 'proxy', from: startedAt, to: connectedAt ?? endedAt, judge: judgeProxy },
    { name: 'trust', from: connectedAt, to: trustedAt ?? endedAt, judge: judgeTrust },
    { name: 'fallback', from: upgradesAt[0] ?? trustedAt, to: postedAt ?? endedAt, judge: judgeFallback },
    { name: 'authorization', from: postedAt, to: call?.at ?? endedAt, judge: judgeAuthorization },
    { name: 'answer', from: call?.at ?? null, to: endedAt, judge: judgeAnswer },
    { name: 'recording', from: endedAt, to: recordedAt, judge: judgeRecording },
  ];
  const checks: Check[] = [];
  let failed: string | null = null;
  for (const { name, from, to, judge } of steps) {
    if (failed !== null) {
      checks.push({ name, status: 'skip', message: `not reached: see ${failed}`, durationMs: 0 });
      continue;
    }
    const finding = judge(trial, context);
    checks.push({ name, ...finding, durationMs: Math.max(0, Math.round((to ?? 0) - (from ?? to ?? 0))) });
    if (finding.status === 'fail') failed = name;
  }
  return [...checks, { name: 'network', ...judgeNetwork(trial), durationMs: 0 }];
}

function judgeProxy(trial: Trial, context: TrialContext): Finding {
  const { connectedAt, refusedHosts } = trial.testimony;
  const [host] = context.profile.interceptHosts;
  if (connectedAt !== null) return { status: 'ok', message: `connects to ${host} through the proxy` };
  const asked = refusedHosts.size === 0 ? 'nothing came to the proxy' : `only ${list(refusedHosts)} came to the proxy`;
  return {
    status: 'fail',
    message: `${asked}: ${context.name} ${howItEnded(trial, context)}`,
    hint: context.isScript
      ? `a script starts it: does that unset HTTPS_PROXY, or set NO_PROXY? see: head -n 40 ${shellWord(context.file)}`
      : tryIt(context),
  };
}

function judgeTrust(trial: Trial, context: TrialContext): Finding {
  const { testimony, root, isOwnRoot } = trial;
  const [host = ''] = context.profile.interceptHosts;
  if (testimony.trustedAt !== null) {
    const which = isOwnRoot ? root.certificateFile : 'a throw-away root';
    return { status: 'ok', message: `accepts what ${which} has signed for ${host}` };
  }
  if (testimony.refusals.length === 0) {
    return {
      status: 'fail',
      message: `connects, and asks nothing: ${context.name} ${howItEnded(trial, context)}`,
      hint: tryIt(context),
    };
  }
  const refused = `refuses the certificate for ${host}`;
  const [variable = ''] = context.profile.caVariables;
  if (root.expiresAt.getTime() <= context.now) {
    return {
      status: 'fail',
      message: `${refused}: ${root.certificateFile} has expired`,
      hint: 'tapes doctor codex --fix',
    };
  }
  if (!permits(root.permittedDomains, host)) {
    const permitted = root.permittedDomains.join(', ') || 'nothing';
    return {
      status: 'fail',
      message: `${refused}: ${root.certificateFile} permits ${permitted} only`,
      hint: 'tapes doctor codex --fix',
    };
  }
  const since = context.profile.trial?.trustsSince;
  const version = readVersion(context.version);
  if (since !== undefined && version !== null && isBefore(version, since)) {
    return {
      status: 'fail',
      message: `${refused}: ${context.version} does not know ${variable}, which ${since.join('.')} and later read`,
      hint: update(context),
    };
  }
  return {
    status: 'fail',
    message: `${refused} (${testimony.refusals[0]})`,
    hint: context.isScript
      ? `a script starts it: does that set ${variable} or SSL_CERT_FILE? see: head -n 40 ${shellWord(context.file)}`
      : update(context),
  };
}

function judgeFallback(trial: Trial, context: TrialContext): Finding {
  const { upgradesAt, postedAt } = trial.testimony;
  const tries = upgradesAt.length;
  if (postedAt === null) {
    const asked = tries === 0 ? 'makes no model call' : 'is refused the WebSocket (426), and does not go on over HTTPS';
    return { status: 'fail', message: `${asked}: ${context.name} ${howItEnded(trial, context)}`, hint: tryIt(context) };
  }
  if (tries === 0) return { status: 'ok', message: 'asks for no WebSocket: HTTPS from the first' };
  const waitMs = Math.round(postedAt - upgradesAt[0]!);
  if (tries === 1 && waitMs <= promptMs)
    return { status: 'ok', message: 'is refused the WebSocket (426) once, and goes on over HTTPS' };
  return {
    status: 'warn',
    message: `asks ${tries} times for a WebSocket, and goes on over HTTPS after ${waitMs} ms: each session begins that late`,
    hint: update(context),
  };
}

function judgeAuthorization({ testimony: { call } }: Trial, context: TrialContext): Finding {
  const missing = [
    ...(call?.hasToken ? [] : ['the token of its login']),
    ...(call?.hasAccount ? [] : ['the account of its login']),
  ];
  if (missing.length === 0)
    return { status: 'ok', message: 'sends the token and the account of its login over HTTPS, too' };
  return {
    status: 'fail',
    message: `the model call came without ${missing.join(' and ')}`,
    hint: context.isScript
      ? `a script starts it: does that log it in otherwise? see: head -n 40 ${shellWord(context.file)}`
      : update(context),
  };
}

function judgeAnswer(trial: Trial, context: TrialContext): Finding {
  const { exitCode, stdout } = trial.child;
  if (exitCode === 0 && stdout.includes(expected.text))
    return { status: 'ok', message: 'prints the answer, and exits with 0' };
  const printed = stdout.includes(expected.text) ? 'prints the answer' : 'does not print the answer';
  return { status: 'fail', message: `${printed}: ${context.name} ${howItEnded(trial, context)}`, hint: tryIt(context) };
}

function judgeRecording({ recorded: { calls, problems } }: Trial): Finding {
  const [call] = calls;
  const wrong = [...problems, ...(call === undefined || calls.length > 1 ? [`${calls.length} calls`] : faultsOf(call))];
  if (wrong.length === 0) {
    const tokens = expected.usage.totalTokens;
    return { status: 'ok', message: `one completed call is in the database, with its text and ${tokens} tokens` };
  }
  return {
    status: 'fail',
    message: `the database does not hold the turn as it was: ${wrong.join('; ')}`,
    hint: 'report it with what this prints: tapes doctor codex --json',
  };
}

function faultsOf(call: Call): string[] {
  const text = call.output.map((item) => item.text ?? '').join('');
  const { usage } = call;
  const isSameUsage =
    usage !== null &&
    (Object.keys(expected.usage) as (keyof typeof usage)[]).every((key) => usage[key] === expected.usage[key]);
  return [
    ...(call.status === 'completed' ? [] : [`its status is ${call.status}`]),
    ...(text === expected.text ? [] : [`its text is ${JSON.stringify(text.slice(0, 60))}`]),
    ...(isSameUsage ? [] : [`its usage is ${JSON.stringify(usage)}`]),
  ];
}

function judgeNetwork({ testimony: { refusedHosts } }: Trial): Finding {
  const refused =
    refusedHosts.size === 0 ? 'nothing else was asked for' : `refused at the proxy: ${list(refusedHosts)}`;
  return { status: 'ok', message: `all of it on this machine; ${refused}` };
}

function howItEnded({ child }: Trial, { timeoutMs }: TrialContext): string {
  const words = lastWords(child.stderr) ?? lastWords(child.stdout);
  const said = words === null ? '' : `; it said: ${words}`;
  if (child.spawnError !== null) return `could not be started: ${child.spawnError}`;
  if (child.endedBy === 'timeout') return `had not ended after ${timeoutMs / 1000} s, and was killed${said}`;
  if (child.endedBy === 'stop') return `was ended${said}`;
  if (child.exitCode === null) return `died of ${child.signal}${said}`;
  return `exits with ${child.exitCode}${said}`;
}

/** The last line that tells of an error, else the last one; bounded. */
function lastWords(output: string): string | null {
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  const line = lines.findLast((text) => /error/i.test(text)) ?? lines.at(-1);
  return line === undefined ? null : line.slice(0, 160);
}

function readVersion(text: string | null): readonly [number, number] | null {
  const match = /(\d+)\.(\d+)\.\d+/.exec(text ?? '');
  return match === null ? null : [Number(match[1]), Number(match[2])];
}

const isBefore = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

const list = (hosts: ReadonlySet<string>): string => [...hosts].map((host) => host.replace(/:443$/, '')).join(', ');
const update = ({ profile }: TrialContext): string => `npm install -g ${profile.packages[0]}@latest`;
const tryIt = ({ profile, file }: TrialContext): string =>
  `try it by itself: ${[file, ...profile.trial!.args('hi')].map((word) => shellWord(word)).join(' ')}`;
