// From facts to what is to be done, store by store. Pure.
import { planJava, planKeystore } from './java.ts';
import { planNode } from './node.ts';
import { planNss, planNssDatabase } from './nss.ts';
import { planAnchorFile, planLinux } from './system-linux.ts';
import { planMacos, systemKeychain } from './system-macos.ts';
import { planWindows, windowsRootStore } from './system-windows.ts';
import type { Facts, PlanEntry, RootToTrust, StoreName } from './trust-plan.ts';

/** Where the root goes in `store`: a target each, or why not, or what to do by hand. */
export function planStore(store: StoreName, facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  switch (store) {
    case 'system':
      return planSystem(facts, root);
    case 'nss':
      return planNss(facts, root);
    case 'java':
      return planJava(facts, root);
    case 'node':
      return planNode(facts, root);
  }
}

/** The place that the ledger knows as `target`: as a target, why it cannot be changed, or null where this machine knows no such place. */
export function planTarget(store: StoreName, target: string, facts: Facts, root: RootToTrust): PlanEntry | null {
  switch (store) {
    case 'system': {
      if (target === windowsRootStore) return planWindows(facts, root)[0] ?? null;
      if (target === systemKeychain) return planMacos(facts, root)[0] ?? null;
      return planAnchorFile(facts, target, root);
    }
    case 'nss':
      return planNssDatabase(facts, target, root);
    case 'java':
      return planKeystore(facts, target, root);
    case 'node':
      return null;
  }
}

function planSystem(facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  switch (facts.platform) {
    case 'darwin':
      return planMacos(facts, root);
    case 'win32':
      return planWindows(facts, root);
    case 'linux':
      return planLinux(facts, root);
    default:
      return [
        {
          type: 'problem',
          store: 'system',
          label: 'system store',
          code: 'E_STORE_TOOL_MISSING',
          message: `tapes does not know the system store of ${facts.platform}`,
          hint: `add the certificate by hand: ${root.certificateFile}`,
        },
      ];
  }
}
