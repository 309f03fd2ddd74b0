// All peers, in the order of the report.
import { claudeTap } from './claude-tap.ts';
import { direct } from './direct.ts';
import { mitmproxyPlain, mitmproxyWriting } from './mitmproxy.ts';
import { nodeProxy } from './node-proxy.ts';
import type { Peer } from './peer.ts';
import { tapesDumping, tapesPlain, tapesRecording } from './tapes.ts';

const relay = nodeProxy({ name: 'relay', label: 'a bare TCP relay', program: 'relay.js' });
const mockttp = nodeProxy({ name: 'mockttp', label: 'bare mockttp', program: 'mockttp.js', package: 'mockttp' });
const httpMitmProxy = nodeProxy({
  name: 'http-mitm-proxy',
  label: 'http-mitm-proxy',
  program: 'http-mitm-proxy.js',
  package: 'http-mitm-proxy',
});

export const peers: readonly Peer[] = [
  direct,
  relay,
  tapesRecording,
  tapesDumping,
  tapesPlain,
  mockttp,
  mitmproxyPlain,
  mitmproxyWriting,
  claudeTap,
  httpMitmProxy,
];
