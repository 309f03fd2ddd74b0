// OpenAI Codex CLI. Measured with 0.77 to 0.169 (docs/discoveries/codex.md).
import { join } from 'node:path';

import { isCodexRequest, isTitleRequest, readCodexIdentity } from './codex-identity.ts';
import { codexTrial } from './codex-trial.ts';
import type { AgentProfile } from './profile.ts';

// Data-residency and government variants of the API host (the binary of 0.169 names gov and au; the others are the provider's regions).
const apiRegions = ['gov', 'us', 'eu', 'au', 'ca', 'jp', 'in', 'sg', 'kr', 'gb', 'ae'];

export const codex: AgentProfile = {
  name: 'codex',
  commands: ['codex'],
  packages: ['@openai/codex'],
  // auth.openai.com carries refresh tokens in bodies and ab.chatgpt.com telemetry: both stay tunnels.
  interceptHosts: [
    'chatgpt.com',
    'gov.chatgpt.com',
    'api.openai.com',
    ...apiRegions.map((region) => `${region}.api.openai.com`),
  ],
  certificateDomains: ['chatgpt.com', 'api.openai.com'],
  // SSL_CERT_FILE would be honoured too, and would replace the trust of every OpenSSL tool that the agent starts.
  caVariables: ['CODEX_CA_CERTIFICATE'],
  isRefusableUpgrade: (path) => pathOf(path).endsWith('/responses'),
  readBackendHosts(path, answer) {
    if (!pathOf(path).endsWith('/wham/accounts/check')) return [];
    const origins = [...answer.matchAll(/"workspace_backend_origin"\s*:\s*"((?:[^"\\]|\\.)*)"/g)];
    return origins.flatMap(([, origin]) => hostOf(origin!.replaceAll('\\/', '/')));
  },
  isMine: (host, headers) =>
    codex.certificateDomains.some((domain) => host === domain || host.endsWith(`.${domain}`)) &&
    isCodexRequest(headers),
  isBackgroundRequest: isTitleRequest,
  identify: readCodexIdentity,
  // Since 0.160 the TUI's requests are sent by a daemon that outlives it, and that keeps the environment it was started with.
  background: {
    flag: '--no-daemon',
    probe: ['--no-daemon', '--version'],
    isNeeded: (args) =>
      !commandsInProcess.has(args[0] ?? '') &&
      !args.includes('--no-daemon') &&
      !args.some((arg) => arg.startsWith('--remote')),
    pidFile: (environment, userHome) => join(codexHome(environment, userHome), 'app-server-daemon', 'daemon.pid'),
    isProcess: (word) => word === 'app-server',
    stopCommand: 'codex app-server daemon stop',
    stopArguments: ['app-server', 'daemon', 'stop'],
  },
  trial: codexTrial,
  credentialFiles: (environment, userHome) => [join(codexHome(environment, userHome), 'auth.json')],
};

// Of `codex --help` in 0.169: those that neither start nor ask the daemon for a conversation.
const commandsInProcess = new Set(
  `exec e review login logout mcp plugin app-server remote-control completion update doctor sandbox debug apply a queue archive
  delete unarchive migrate-rollouts migrate-nfs-db cloud exec-server features help`.split(/\s+/),
);

const codexHome = (environment: Readonly<Record<string, string | undefined>>, userHome: string): string =>
  environment['CODEX_HOME'] || join(userHome, '.codex');

const pathOf = (path: string): string => path.split('?', 1)[0]!;

function hostOf(origin: string): string[] {
  return URL.canParse(origin) ? [new URL(origin).hostname] : [];
}
