// What tapes knows about an agent: one readonly object each, no code that does I/O.
import type { RawHeaders } from '../domain/index.ts';
import type { CallIdentity } from './codex-identity.ts';

export interface AgentProfile {
  readonly name: string;
  /** Names of commands (without folder and ending) that are this agent. */
  readonly commands: readonly string[];
  /** npm packages that are this agent, for `npx` and its like. */
  readonly packages: readonly string[];
  /** Hosts whose traffic is decrypted, in lower case. Every other host is tunnelled. */
  readonly interceptHosts: readonly string[];
  /** Domains that the root permits: the widest that interception can ever become. */
  readonly certificateDomains: readonly string[];
  /** The variables that name a file of roots which the agent trusts besides its own; the first one is set. */
  readonly caVariables: readonly string[];
  /** Where `path` (with query) is a WebSocket that the agent can do without: it is refused, and HTTPS follows. */
  isRefusableUpgrade(path: string): boolean;
  /** The answer in which the provider names a host of its own for this login, if `path` is the question. */
  readBackendHosts(path: string, answer: string): readonly string[];
  /** Is a request with these headers, to an intercepted `host`, this agent's? Others may speak to the same host. */
  isMine(host: string, headers: RawHeaders): boolean;
  /** Is it one that the agent makes for itself, apart from the session it is for (a title)? Told from the headers alone. */
  isBackgroundRequest(headers: RawHeaders): boolean;
  readonly identify: (
    headers: RawHeaders,
    body: Readonly<Record<string, unknown>> | null,
    path: string,
  ) => CallIdentity;
  /** Where the agent would hand its traffic to a background process, how to keep it from that; null where it does not. */
  readonly background: BackgroundRule | null;
  /** How to try the agent out without the user's login; null where that is not known. */
  readonly trial: TrialRule | null;
  /** Files, below the agent's home, whose string values are credentials to be masked wherever they turn up. */
  credentialFiles(environment: Readonly<Record<string, string | undefined>>, userHome: string): readonly string[];
}

export interface BackgroundRule {
  /** The flag that keeps the agent in one process, put before its other arguments. */
  readonly flag: string;
  /** Arguments with which the agent exits 0 if, and only if, it knows the flag. */
  readonly probe: readonly string[];
  /** Would a start with these arguments use the background process? */
  isNeeded(args: readonly string[]): boolean;
  /** A JSON file `{"pid": …}` that stands while a background process may be alive. */
  pidFile(environment: Readonly<Record<string, string | undefined>>, userHome: string): string;
  /** Is this word of a command line the mark of the background process? */
  isProcess(word: string): boolean;
  /** The command that ends it, and its arguments behind the agent's own command. */
  readonly stopCommand: string;
  readonly stopArguments: readonly string[];
}

/** Credentials of a login that is made up. */
export interface MadeUpLogin {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accountId: string;
}

export interface AgentFile {
  readonly name: string;
  readonly text: string;
}

/** One turn of the agent, without a terminal, in a home that is thrown away. */
export interface TrialRule {
  /** The variable that names the agent's home. */
  readonly homeVariable: string;
  /** Is this one of the agent's own variables, which the trial keeps from it? */
  isWithheld(variable: string): boolean;
  loginFile(login: MadeUpLogin): AgentFile;
  /** For an agent that is to work in the folder `project`. */
  configFile(project: string): AgentFile;
  /** The agent's arguments for one turn with this prompt. */
  args(prompt: string): readonly string[];
  /** The first version (major, minor) that reads `caVariables[0]`. */
  readonly trustsSince: readonly [major: number, minor: number];
}
