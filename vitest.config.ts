import { defineConfig } from 'vitest/config';

const soak = 'test/soak/soak.test.ts';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      {
        test: {
          name: 'tests',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['**/node_modules/**', soak],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      // Once all others have ended: what it measures is not to be theirs.
      { test: { name: 'soak', include: [soak], sequence: { groupOrder: 1 } } },
    ],
  },
});
