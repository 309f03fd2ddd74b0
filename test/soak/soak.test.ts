// The soak in its short form: one minute, or as many as TAPES_SOAK_MINUTES says (`.ci/run`: ten). One minute tells what is lost or changed; a slope
// takes five. Runs by itself, after all other tests (vitest.config.ts).
import { expect, it } from 'vitest';

import { laneNames } from './load.ts';
import { renderReport } from './render-report.ts';
import { soak } from './soak.ts';

const minutes = Number(process.env['TAPES_SOAK_MINUTES'] ?? 1);

it.skipIf(process.platform !== 'linux')(
  `${minutes} minutes of mixed load lose nothing, change nothing, and leave nothing behind (Linux)`,
  { timeout: (minutes + 6) * 60_000 },
  async () => {
    const report = await soak({ minutes, seed: 1, lanes: laneNames, onProgress: () => undefined });
    process.stdout.write(`\n${renderReport(report)}`);
    expect(report.failures).toEqual([]);
    expect(report.recording.calls).toBeGreaterThan(100 * minutes);
    // Long enough to tell: then it has been told.
    if (minutes >= 5) expect(report.series.map(({ isFlat }) => isFlat)).not.toContain(null);
  },
);
