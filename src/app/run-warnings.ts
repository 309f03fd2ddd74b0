// What a run should tell at its end, besides what it recorded.
import type { Sink } from '../domain/index.ts';
import type { ChildResult } from '../launch/index.ts';

export interface RunFacts {
  /** Why the engine did not load; null where it did. */
  readonly engineFailure: string | null;
  readonly unpermittedHosts: ReadonlySet<string>;
  /** Intercepted hosts that could not be reached, or not be trusted, with the code of the failure. */
  readonly unreachedHosts: ReadonlyMap<string, string>;
  readonly untrustingHosts: ReadonlySet<string>;
  /** The command as it was typed, and how it went; of a standing proxy there is none. */
  readonly name?: string;
  readonly child?: ChildResult;
}

/** Collects the hosts for which a client refused our certificate: it then fails, or retries without a word. */
export function watchTls(sink: Sink<unknown>, untrusting: Set<string>): Sink<unknown> {
  return {
    push(event) {
      if (event.type === 'tlsFailed' && event.cause === 'cert-rejected') untrusting.add(event.host);
      sink.push(event);
    },
    close: () => sink.close(),
  };
}

/** One sentence for each thing that the user should know. */
export function readWarnings(facts: RunFacts): string[] {
  const { engineFailure, unpermittedHosts, unreachedHosts, untrustingHosts, name, child } = facts;
  const warnings: string[] = [];
  if (engineFailure !== null) {
    warnings.push(`the interceptor could not be loaded, so the traffic went past it: ${engineFailure}`);
  }
  if (child?.spawnError) warnings.push(`${name} could not be run: ${child.spawnError.message}`);
  // A standing proxy's agents may be older than its root: what they had read of the file before, they have in memory.
  const isOlder = child === undefined ? ', or was started before the root was another: then start it again' : '';
  for (const host of untrustingHosts) {
    warnings.push(
      `a program refused the certificate for ${host}: it does not read the variable that names our root (Codex does since 0.115)${isOlder}`,
    );
  }
  for (const [host, code] of unreachedHosts) {
    warnings.push(
      isDistrust(code)
        ? `the certificate of ${host} is not trusted here (${code}), so what passed there was not recorded: name its root with --upstream-ca FILE`
        : `${host} could not be reached (${code})`,
    );
  }
  for (const host of unpermittedHosts) {
    warnings.push(`the provider named ${host}, which the root does not permit: its traffic was not recorded`);
  }
  return warnings;
}

/** Of the codes that Node has for certificates (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const isDistrust = (code: string): boolean => /CERT|ISSUER|SIGNATURE|SELF_SIGNED|CRL|CA$/.test(code);
