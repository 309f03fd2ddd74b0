// Watches a trial from the proxy: which step the agent has come to, and when. Passes every event on to the recorder.
import type { Sink, WireEvent } from '../../domain/index.ts';
import type { ReceivedCall, Tokens } from '../../provider/index.ts';
import { headerValue } from '../../provider/index.ts';

/** Times are of the monotonic clock, in ms; null where it did not come to that. */
export interface Testimony {
  /** The first connection to a host that is intercepted. */
  readonly connectedAt: number | null;
  /** The first request inside of TLS: the agent has accepted our certificate. */
  readonly trustedAt: number | null;
  /** Why the agent refused the certificate, each time. */
  readonly refusals: readonly string[];
  /** WebSocket upgrades that were answered 426. */
  readonly upgradesAt: readonly number[];
  /** The first model call over HTTPS: when it began at the proxy, and when the provider had all of it. */
  readonly postedAt: number | null;
  readonly call: { readonly at: number; readonly hasToken: boolean; readonly hasAccount: boolean } | null;
  /** Hosts that were refused, `host:port`. */
  readonly refusedHosts: ReadonlySet<string>;
}

export interface Witness {
  readonly testimony: Testimony;
  /** For the door: is this one of `hosts`? Others are refused. */
  admit(host: string, port: number): boolean;
  /** For the provider. */
  sawCall(call: ReceivedCall): void;
  watch(sink: Sink<unknown>): Sink<unknown>;
}

export interface WitnessOptions {
  readonly hosts: readonly string[];
  readonly login: Tokens;
  /** The agent has refused our certificate and has not accepted it before. */
  readonly onDistrust: () => void;
}

const isModelCall = (event: Extract<WireEvent, { type: 'requestStarted' }>): boolean =>
  event.request.method === 'POST' && event.request.path.split('?', 1)[0]!.endsWith('/responses');

export function openWitness({ hosts, login, onDistrust }: WitnessOptions): Witness {
  const refusals: string[] = [];
  const upgradesAt: number[] = [];
  const refusedHosts = new Set<string>();
  const seen: { -readonly [Key in keyof Testimony]: Testimony[Key] } = {
    connectedAt: null,
    trustedAt: null,
    refusals,
    upgradesAt,
    postedAt: null,
    call: null,
    refusedHosts,
  };
  const look = (event: WireEvent): void => {
    switch (event.type) {
      case 'tlsFailed':
        if (!hosts.includes(event.host)) return;
        refusals.push(event.cause);
        if (seen.trustedAt === null) onDistrust();
        return;
      case 'requestStarted':
        seen.trustedAt ??= event.mono;
        if (isModelCall(event)) seen.postedAt ??= event.mono;
        return;
      case 'upgradeRefused':
        seen.trustedAt ??= event.mono;
        upgradesAt.push(event.mono);
        return;
      default: // what passes after that is the recorder's to look at
    }
  };
  return {
    testimony: seen,
    admit(host, port) {
      if (hosts.includes(host) && port === 443) {
        seen.connectedAt ??= performance.now();
        return true;
      }
      refusedHosts.add(`${host}:${port}`);
      return false;
    },
    sawCall({ request: { rawHeaders } }) {
      seen.call ??= {
        at: performance.now(),
        hasToken: headerValue(rawHeaders, 'authorization') === `Bearer ${login.accessToken}`,
        hasAccount: headerValue(rawHeaders, 'chatgpt-account-id') === login.accountId,
      };
    },
    watch: (sink) => ({
      push(event) {
        look(event);
        sink.push(event);
      },
      close: () => sink.close(),
    }),
  };
}
