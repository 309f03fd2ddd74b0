// Is this the head of an upgrade that tapes refuses? Asked before a byte of it is passed on. And what it is answered.

/** `head`: its bytes, one a character, without the empty line. `isRefused`: by the path, with its query. */
export function isRefusedHead(head: string, isRefused: (path: string) => boolean): boolean {
  if (!/\r\nupgrade[ \t]*:/i.test(head)) return false;
  const target = /^GET (\S+) HTTP\/1\.\d/.exec(head)?.[1];
  return target !== undefined && isRefused(pathOf(target));
}

/** Codex goes on over HTTPS at once (docs/discoveries/codex.md). It has no fields, as dumps show it; the end of the connection is its end. */
export const refusal = { status: 426, bytes: 'HTTP/1.1 426 Upgrade Required\r\n\r\n' };

/** The path of a request target: of an absolute one, too. */
export function pathOf(target: string): string {
  return /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
}
