// Host names with wildcards, as `--host-name` takes them. `*` stands for any characters, dots among them, and for at least one.

/** Does `glob` (lower case) cover `host` (lower case)? */
export function matchesHost(glob: string, host: string): boolean {
  if (!glob.includes('*')) return glob === host;
  const pattern = glob
    .split(/\*+/)
    .map((part) => part.replaceAll('.', String.raw`\.`))
    .join('.+');
  return new RegExp(`^${pattern}$`).test(host);
}

/**
 * The domain whose subtree is the smallest that holds all that `glob` covers: what a root must permit for it.
 * A reason, where there is none that is narrower than a whole top-level domain.
 */
export function constraintOf(glob: string): { readonly domain: string } | { readonly reason: string } {
  if (!/^[a-z0-9*_.-]+$/.test(glob))
    return { reason: 'it is no host name (letters, digits, - and . with * as wildcard)' };
  if (/^[\d.]+$/.test(glob)) return { reason: 'a root of tapes may not sign for IP addresses' };
  const labels = glob.split('.');
  if (labels.some((label) => label === '' || label.length > 63)) return { reason: 'it is no host name' };
  const lastWild = labels.findLastIndex((label) => label.includes('*'));
  const fixed = labels.slice(lastWild + 1);
  if (fixed.length === 0) return { reason: 'a name constraint is the end of a name, and its last part is a wildcard' };
  if (fixed.length === 1 && glob !== 'localhost') {
    return { reason: `it would let the root sign for every name below .${fixed[0]}` };
  }
  return { domain: fixed.join('.') };
}
