// How the Codex CLI is tried out: one turn of `codex exec` in a home of its own, with a ChatGPT login that nobody ever had.
import type { TrialRule } from './profile.ts';

export const codexTrial: TrialRule = {
  homeVariable: 'CODEX_HOME',
  // What would log in otherwise (CODEX_API_KEY), lead elsewhere or change what is tried; the root is told of apart.
  isWithheld: (variable) => /^(CODEX|OPENAI|CHATGPT)_/i.test(variable),
  // The form that `codex login` writes. Codex reads the tokens' claims and checks no signature.
  loginFile: ({ idToken, accessToken, refreshToken, accountId }) => ({
    name: 'auth.json',
    text: JSON.stringify({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: { id_token: idToken, access_token: accessToken, refresh_token: refreshToken, account_id: accountId },
      last_refresh: new Date().toISOString(),
    }),
  }),
  configFile: (project) => ({
    name: 'config.toml',
    text: [
      // Never the system's keyring, where the user's own login may be.
      'cli_auth_credentials_store = "file"',
      'mcp_oauth_credentials_store = "file"',
      'check_for_update_on_startup = false',
      'approval_policy = "never"',
      'sandbox_mode = "read-only"',
      '',
      '[features]',
      // It would run the user's login shell, with all that its start-up files do.
      'shell_snapshot = false',
      '',
      `[projects.${JSON.stringify(project)}]`,
      'trust_level = "trusted"',
      '',
    ].join('\n'),
  }),
  args: (prompt) => ['exec', '--skip-git-repo-check', prompt],
  // Measured: 0.77, 0.104 and 0.114 refuse the root, 0.115 and later accept it (docs/discoveries/codex-trial.md).
  trustsSince: [0, 115],
};
