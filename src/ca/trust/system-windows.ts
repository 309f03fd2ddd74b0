// The Root store of the Windows user, by Windows' own certutil; it needs no administrator. Also from within WSL. Not yet run on Windows.
import type { Facts, PlanEntry, RootToTrust } from './trust-plan.ts';

export const windowsRootStore = 'CurrentUser\\Root';

export function planWindows(facts: Facts, { certificate, certificateFile }: RootToTrust): readonly PlanEntry[] {
  const certutil = facts.programs.get('certutil.exe');
  if (certutil === undefined) {
    return [
      {
        type: 'problem',
        store: 'system',
        label: 'Windows user store',
        code: 'E_STORE_TOOL_MISSING',
        message: "Windows' certutil.exe was not found",
        hint: 'is C:\\Windows\\System32 on the PATH (and, under WSL, interop switched on)? try: certutil.exe -user -store Root',
      },
    ];
  }
  const file = facts.wsl === null ? certificateFile : `\\\\wsl$\\${facts.wsl}${certificateFile.replaceAll('/', '\\')}`;
  return [
    {
      type: 'target',
      store: 'system',
      target: windowsRootStore,
      label: 'Windows user store',
      place: null,
      probe: {
        type: 'output',
        argv: [certutil, '-user', '-store', 'Root', certificate.thumbprint],
        shows: certificate.thumbprint,
        otherwise: 'absent',
      },
      install: [{ argv: [certutil, '-user', '-addstore', 'Root', file], needsRoot: false }],
      uninstall: [{ argv: [certutil, '-user', '-delstore', 'Root', certificate.thumbprint], needsRoot: false }],
      note: 'Windows asks in a window of its own whether you trust it',
    },
  ];
}
