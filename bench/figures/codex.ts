// What `tapes intercept` adds to one `codex exec`: the real Codex alone and under tapes, on the same transport (the upgrade refused, HTTPS), against the
// same stand-in. Alone it goes through a relay that decrypts nothing, which is how it finds the stand-in.
import { startStandIn, text } from '../../test/support/chatgpt/index.ts';
import { makeCodexHome, runCodexDirect } from '../../test/support/codex.ts';
import { makeTapesHome, runCodex } from '../../test/support/tapes.ts';
import { percentile } from '../report/statistics.ts';
import type { Figure } from './figure.ts';

const exec = ['exec', '--skip-git-repo-check', 'say hello'];

export const codex: Figure = {
  name: 'codex',
  peers: ['direct', 'tapes'],
  isPinned: false,
  rows: [
    {
      key: 'codex',
      label: 'added to `codex exec`',
      unit: 'ms',
      digits: 0,
      better: 'lower',
      isAdded: true,
      limits: [{ type: 'atMost', value: 250 }],
    },
  ],
  async measure({ peer, scale }) {
    const standIn = await startStandIn({ scenario: () => text('Hello there'), websocket: 'refuse-426' });
    const home = makeCodexHome();
    const tapes = makeTapesHome();
    try {
      const durations: number[] = [];
      for (let at = -scale.codexWarmUps; at < scale.starts; at++) {
        const { durationMs, exitCode, stderr } =
          peer.name === 'direct'
            ? await runCodexDirect(standIn, exec, { home })
            : await runCodex({ standIn, codex: home, tapes }, exec);
        if (exitCode !== 0) throw new Error(`codex exec exits with ${exitCode}: ${stderr}`);
        if (at >= 0) durations.push(durationMs);
      }
      return { codex: percentile(durations, 0.5) };
    } finally {
      await standIn.close();
      home.remove();
      tapes.remove();
    }
  },
};
