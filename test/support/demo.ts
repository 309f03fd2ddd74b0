// `npm run demo`: the real Codex under `tapes intercept`, against the stand-in provider, in throw-away homes; then what was recorded.
// No login and no network are used; everything is removed at the end.
import { spawn } from 'node:child_process';
import { execCommand, startStandIn, text, together, reasoning, toolCall } from './chatgpt/index.ts';
import { codexBin, makeCodexHome } from './codex.ts';
import { interceptArgs, makeTapesHome, sceneEnv, tapesBin } from './tapes.ts';

const prompt = 'Which version of git is installed here?';
const standIn = await startStandIn({
  scenario: (call, index) => {
    if (index === 0)
      return together(reasoning('I will ask git itself.'), toolCall({ input: execCommand('git --version') }));
    const version = /git version ([0-9.]+)/.exec(call.text)?.[1] ?? 'unknown';
    return text(`Git ${version} is installed.`, {
      usage: { inputTokens: 18_240, cachedInputTokens: 17_920, outputTokens: 46, reasoningTokens: 12 },
    });
  },
});
const codex = makeCodexHome();
const tapes = makeTapesHome();
// Without Codex's own log lines about parts of the service that the stand-in does not have.
const env = { ...sceneEnv({ tapes, codex }), RUST_LOG: 'off' };

/** Runs with this terminal; the exit code is given back. */
function perform(said: string, args: readonly string[]): Promise<number> {
  process.stdout.write(`\n$ ${said}\n`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: codex.project, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

try {
  const exec = ['exec', '--skip-git-repo-check', prompt];
  const recorded = await perform(
    `tapes intercept -- codex exec "${prompt}"`,
    interceptArgs({ standIn }, [codexBin().native, ...exec]),
  );
  const listed = await perform('tapes sessions', [tapesBin, 'sessions']);
  const shown = await perform('tapes show last', [tapesBin, 'show', 'last']);
  process.exitCode = Math.max(recorded, listed, shown);
} finally {
  await standIn.close();
  codex.remove();
  tapes.remove();
}
