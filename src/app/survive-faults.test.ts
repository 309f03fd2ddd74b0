import { resolve } from 'node:path';

import { expect, it } from 'vitest';

import { run } from '../../test/support/run.ts';

const module = resolve(import.meta.dirname, 'survive-faults.ts');
const script = `
  import { surviveFaults } from ${JSON.stringify(module)};
  const faults = surviveFaults();
  setTimeout(() => { throw new Error('thrown by a timer'); }, 1);
  Promise.reject(new Error('rejected by nobody'));
  for (let more = 0; more < 20; more++) Promise.reject(new Error('again and again'));
  setTimeout(() => { faults.stop(); process.stdout.write(JSON.stringify([...faults.list])); }, 50);
`;

it('the process goes on after what nobody caught, and tells of each fault once', async () => {
  const result = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    env: { PATH: process.env['PATH'] ?? '' },
    cwd: resolve(import.meta.dirname, '../..'),
  });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const faults = (JSON.parse(result.stdout) as string[]).map((fault) => /survived: ([^(]+?)(?: \(|$)/.exec(fault)?.[1]);
  expect(faults.sort()).toEqual(['again and again', 'rejected by nobody', 'thrown by a timer']);
});
