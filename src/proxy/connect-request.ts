// The head of a CONNECT request (RFC 9110 section 9.3.6), read from bytes. Pure: no sockets here.

export interface ConnectRequest {
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`, or null. */
  readonly proxyAuthorization: string | null;
  /** Bytes of `head` that belong to the request; what follows is the tunnel's. */
  readonly headBytes: number;
}

export type ConnectReading =
  | { readonly type: 'incomplete' }
  | { readonly type: 'connect'; readonly request: ConnectRequest }
  /** Something else than a well-formed CONNECT: another method, a web page's request, noise. */
  | { readonly type: 'refused'; readonly status: 400 | 405 | 431; readonly reason: string };

const maxHeadBytes = 64 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

/** Reads what has arrived so far on a new connection. */
export function readConnectRequest(head: Buffer): ConnectReading {
  // A TLS hello or other noise never becomes a request line: answered at once instead of waiting for ever, however its bytes come.
  if (head.length > 0 && !/^[A-Z]/.test(head.toString('latin1', 0, 1))) return badRequest;
  const end = head.indexOf(headEnd);
  if ((end === -1 ? head.length : end) > maxHeadBytes) {
    return { type: 'refused', status: 431, reason: 'Request Header Fields Too Large' };
  }
  if (end === -1) return { type: 'incomplete' };
  const [requestLine = '', ...fields] = head.toString('latin1', 0, end).split('\r\n');
  // A line end of one sign is one to some readers and none to others (RFC 9112 section 2.2).
  if ([requestLine, ...fields].some((line) => /[\r\n\0]/.test(line))) return badRequest;
  const [method, target = '', version = ''] = requestLine.split(' ');
  if (!/^HTTP\/1\.[01]$/.test(version)) return badRequest;
  if (method !== 'CONNECT') return { type: 'refused', status: 405, reason: 'Method Not Allowed' };
  const authority = readAuthority(target);
  if (authority === null) return badRequest;
  const authorization = fields.find((field) => /^proxy-authorization:/i.test(field));
  return {
    type: 'connect',
    request: {
      ...authority,
      proxyAuthorization:
        authorization === undefined ? null : authorization.slice(authorization.indexOf(':') + 1).trim(),
      headBytes: end + headEnd.length,
    },
  };
}

const badRequest: ConnectReading = { type: 'refused', status: 400, reason: 'Bad Request' };

/** `host:port` or `[v6]:port`, the host in lower case; null where it is neither. */
export function readAuthority(text: string): { host: string; port: number } | null {
  // Letters of other scripts come as xn--… (RFC 9110 section 4.2.3); a control sign in a host would get as far as a terminal.
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([!-.0-9;-?A-Z\\^-~]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return null;
  return { host: (match[1] ?? match[2]!).toLowerCase(), port };
}

/** `host:port` as a request target, IPv6 in brackets. */
export function formatAuthority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
