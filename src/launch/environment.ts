// The environment of the child: what it had, the way through the door, and the root that it may trust. Pure.

export interface ChildEnvironmentOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly proxyUrl: string;
  /** Variables that name a file of roots, set to `certificateFile`. */
  readonly caVariables: readonly string[];
  readonly certificateFile: string;
  /** Takes the entries out of a NO_PROXY list that would hide an intercepted host. */
  readonly trimNoProxy: (noProxy: string) => string;
}

/** Both spellings are set: curl reads only the small one for some schemes, others only the large one, and a stale one would win. */
export function buildChildEnvironment(options: ChildEnvironmentOptions): Record<string, string> {
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.environment)) {
    if (value !== undefined) child[name] = value;
  }
  child['HTTPS_PROXY'] = options.proxyUrl;
  child['https_proxy'] = options.proxyUrl;
  for (const name of ['NO_PROXY', 'no_proxy']) {
    const value = child[name];
    if (value === undefined) continue;
    const trimmed = options.trimNoProxy(value);
    if (trimmed === '') delete child[name];
    else child[name] = trimmed;
  }
  for (const name of options.caVariables) child[name] = options.certificateFile;
  return child;
}
