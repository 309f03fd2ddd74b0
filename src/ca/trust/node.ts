// Programs that have no store to install into, Node first of all: they read a file that a variable names.
import { shellWord } from '../../domain/index.ts';
import type { Facts, PlanEntry, RootToTrust } from './trust-plan.ts';

export function planNode({ platform }: Facts, { trustedFile }: RootToTrust): readonly PlanEntry[] {
  const set = (name: string): string =>
    platform === 'win32' ? `setx ${name} "${trustedFile}"` : `export ${name}=${shellWord(trustedFile, platform)}`;
  return [
    {
      type: 'advice',
      store: 'node',
      label: 'Node and others',
      message: 'they have no store: set the variable that they read',
      lines: [
        `${set('NODE_EXTRA_CA_CERTS')}   # Node, and editors built on it`,
        `${set('CODEX_CA_CERTIFICATE')}   # Codex`,
      ],
    },
  ];
}
