// SOCKS 5 (RFC 1928) as a client speaks it to have a connection made, with username and password (RFC 1929). Pure.
import { isIPv4, isIPv6 } from 'node:net';

export interface SocksCredentials {
  readonly username: string;
  readonly password: string;
}

/** What a reader of replies found: how many bytes the reply has, or what is wrong with it; null: not all of it is there. */
export type SocksReply<T> = { readonly bytes: number; readonly value: T } | { readonly problem: string } | null;

const version = 5;
const noAuthentication = 0;
const usernamePassword = 2;

/** The greeting: which ways to log in the client knows. */
export const greeting = (credentials: SocksCredentials | null): Buffer =>
  Buffer.from(credentials === null ? [version, 1, noAuthentication] : [version, 2, noAuthentication, usernamePassword]);

/** The answer to a greeting: does the proxy want the credentials? */
export function readChoice(bytes: Buffer, hasCredentials: boolean): SocksReply<{ readonly wantsLogin: boolean }> {
  if (bytes.length < 2) return bytes.length === 1 && bytes[0] !== version ? notSocks : null;
  if (bytes[0] !== version) return notSocks;
  if (bytes[1] === noAuthentication) return { bytes: 2, value: { wantsLogin: false } };
  if (bytes[1] === usernamePassword && hasCredentials) return { bytes: 2, value: { wantsLogin: true } };
  return { problem: hasCredentials ? 'wants another way to log in' : 'wants a username and a password' };
}

/** Null where a field is longer than the 255 bytes that the protocol has room for. */
export function login({ username, password }: SocksCredentials): Buffer | null {
  const fields = [Buffer.from(username), Buffer.from(password)];
  if (fields.some(({ length }) => length > 255)) return null;
  return Buffer.concat([Buffer.from([1]), ...fields.flatMap((field) => [Buffer.from([field.length]), field])]);
}

export function readLogin(bytes: Buffer): SocksReply<null> {
  if (bytes.length < 2) return null;
  return bytes[1] === 0 ? { bytes: 2, value: null } : { problem: 'refused the username and password' };
}

/** CONNECT to an address or a name. Null where the name is longer than 255 bytes. */
export function connectRequest(host: string, port: number): Buffer | null {
  const address = addressField(host);
  if (address === null) return null;
  const end = Buffer.alloc(2);
  end.writeUInt16BE(port);
  return Buffer.concat([Buffer.from([version, 1, 0]), address, end]);
}

function addressField(host: string): Buffer | null {
  if (isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([4]), ipv6Bytes(host)]);
  const name = Buffer.from(host);
  return name.length > 255 ? null : Buffer.concat([Buffer.from([3, name.length]), name]);
}

function ipv6Bytes(text: string): Buffer {
  // A URL's normal form has no zone and no dotted end: eight groups, one run of them possibly left out.
  const [head = '', tail = ''] = new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]];
  const middle = Array.from({ length: 8 - first.length - last.length }, () => '0');
  const words = [...first, ...middle, ...last].map((group) => Number.parseInt(group, 16));
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

export interface SocksFailure {
  readonly reason: string;
  readonly code: string;
}

/** The answer to CONNECT: null is success, else why not, with the code that a direct connection would have failed with. */
export function readConnected(bytes: Buffer): SocksReply<SocksFailure | null> {
  if (bytes.length > 0 && bytes[0] !== version) return notSocks;
  if (bytes.length < 5) return null;
  const addressBytes = { 1: 4, 3: 1 + bytes[4]!, 4: 16 }[bytes[3]!];
  const failure = bytes[1] === 0 ? null : (failures[bytes[1]!] ?? { reason: `failed with ${bytes[1]}`, code: 'E_UPSTREAM_PROXY' }); // prettier-ignore
  // Nothing follows a failure that anybody needs: whatever its address looks like, it is read.
  if (failure !== null) return { bytes: bytes.length, value: failure };
  if (addressBytes === undefined) return { problem: 'answered with an address of an unknown kind' };
  const length = 4 + addressBytes + 2;
  return bytes.length < length ? null : { bytes: length, value: null };
}

const notSocks = { problem: 'did not answer with SOCKS 5' };

const failures: Readonly<Record<number, SocksFailure>> = {
  1: { reason: 'failed', code: 'E_UPSTREAM_PROXY' },
  2: { reason: 'does not allow it', code: 'E_UPSTREAM_PROXY' },
  3: { reason: 'cannot reach the network', code: 'ENETUNREACH' },
  4: { reason: 'cannot reach the host', code: 'EHOSTUNREACH' },
  5: { reason: 'was refused there', code: 'ECONNREFUSED' },
  6: { reason: 'got no answer in time', code: 'ETIMEDOUT' },
  7: { reason: 'does not know how to connect', code: 'E_UPSTREAM_PROXY' },
  8: { reason: 'does not know this kind of address', code: 'E_UPSTREAM_PROXY' },
};
