// Names below which anybody may register one of their own (co.uk, github.io): a root that permitted one would permit strangers' hosts. The list is
// Mozilla's (https://publicsuffix.org), its registries' part and that of companies, as `tldts` has it (40 ms to import: only where a host is named).

/** Is `domain` (lower case) such a name as a whole? What the list does not know, as names of a network of one's own, is none. */
export async function isPublicSuffix(domain: string): Promise<boolean> {
  const { parse } = await import('tldts');
  const { publicSuffix, isIcann, isPrivate } = parse(domain, { allowPrivateDomains: true, validateHostname: false });
  return publicSuffix === domain && (isIcann === true || isPrivate === true);
}
