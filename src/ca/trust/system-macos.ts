// The System keychain of macOS, with trust for TLS servers only (`-p ssl`): not for mail, code or anything else. Not yet run on a Mac.
import type { Facts, PlanEntry, RootToTrust } from './trust-plan.ts';

export const systemKeychain = '/Library/Keychains/System.keychain';

export function planMacos(facts: Facts, { certificate, certificateFile }: RootToTrust): readonly PlanEntry[] {
  const security = facts.programs.get('security') ?? '/usr/bin/security';
  return [
    {
      type: 'target',
      store: 'system',
      target: systemKeychain,
      label: 'System keychain',
      place: null,
      probe: {
        type: 'output',
        argv: [security, 'find-certificate', '-a', '-p', '-c', certificate.commonName, systemKeychain],
        shows: certificate.certificatePem,
        otherwise: 'absent',
      },
      install: [
        {
          argv: [
            security,
            'add-trusted-cert',
            '-d',
            '-r',
            'trustRoot',
            '-p',
            'ssl',
            '-k',
            systemKeychain,
            certificateFile,
          ],
          needsRoot: true,
        },
      ],
      uninstall: [
        { argv: [security, 'remove-trusted-cert', '-d', certificateFile], needsRoot: true },
        { argv: [security, 'delete-certificate', '-Z', certificate.thumbprint, systemKeychain], needsRoot: true },
      ],
      note: 'macOS may ask for your password in a window of its own',
    },
  ];
}
