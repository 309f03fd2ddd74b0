// All figures, in the order in which they are measured and reported.
import { agents } from './agents.ts';
import { codex } from './codex.ts';
import { connections } from './connections.ts';
import { cpu } from './cpu.ts';
import { delay } from './delay.ts';
import type { Figure } from './figure.ts';
import { firstByte } from './first-byte.ts';
import { memory } from './memory.ts';
import { slope } from './slope.ts';
import { startUp } from './start-up.ts';
import { throughput } from './throughput.ts';

export const figures: readonly Figure[] = [
  firstByte,
  delay,
  throughput,
  connections,
  agents,
  cpu,
  startUp,
  codex,
  memory,
  slope,
];
