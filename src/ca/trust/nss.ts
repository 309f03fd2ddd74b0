// NSS databases: every Firefox has its own, Chromium on Linux one for the user (snap and flatpak again their own). Trusted for TLS servers only.
import type { Facts, NssProfile, PlanEntry, RootToTrust, Target } from './trust-plan.ts';
import { installCommand } from './system-linux.ts';

export function planNss(facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  if (facts.platform === 'win32') {
    return [
      {
        type: 'advice',
        store: 'nss',
        label: 'Firefox',
        message:
          "on Windows it takes the roots of the user's Windows store (security.enterprise_roots.enabled, on since 120)",
        lines: [],
      },
    ];
  }
  if (facts.nssProfiles.length === 0) {
    return [
      {
        type: 'advice',
        store: 'nss',
        label: 'browsers',
        message: 'no profile of Firefox or Chromium was found: nothing to do',
        lines: [],
      },
    ];
  }
  return facts.nssProfiles.map((profile) => planProfile(facts, profile, root));
}

/** The database of an earlier install, `sql:/folder`. */
export function planNssDatabase(facts: Facts, database: string, root: RootToTrust): PlanEntry | null {
  const [, kind, folder] = /^(sql|dbm):(.+)$/.exec(database) ?? [];
  if (kind === undefined || folder === undefined) return null;
  const known = facts.nssProfiles.find((profile) => profile.folder === folder);
  return planProfile(facts, known ?? { kind: kind as NssProfile['kind'], folder, program: 'NSS' }, root);
}

function planProfile(facts: Facts, profile: NssProfile, root: RootToTrust): PlanEntry {
  const certutil = facts.programs.get('certutil');
  return certutil === undefined ? missingTool(facts, profile) : nssTarget(certutil, profile, root);
}

function missingTool(facts: Facts, profile: NssProfile): PlanEntry {
  const command = installCommand(facts, {
    'apt-get': 'libnss3-tools',
    dnf: 'nss-tools',
    pacman: 'nss',
    zypper: 'mozilla-nss-tools',
    apk: 'nss-tools',
    brew: 'nss',
  });
  return {
    type: 'problem',
    store: 'nss',
    label: labelOf(profile),
    code: 'E_STORE_TOOL_MISSING',
    message: 'certutil, the program that changes NSS databases, is not here',
    hint: `${command ?? 'install the tools of NSS'}, then: tapes ca install --store nss`,
  };
}

const labelOf = ({ program, folder }: NssProfile): string => `${program}, ${folder}`;

function nssTarget(certutil: string, profile: NssProfile, { certificate, certificateFile }: RootToTrust): Target {
  const database = `${profile.kind}:${profile.folder}`;
  const { name } = certificate;
  return {
    type: 'target',
    store: 'nss',
    target: database,
    label: labelOf(profile),
    place: profile.folder,
    // Where a primary password is not given, certutil leaves the certificate there without trust: so trust is looked for, too.
    probe: {
      type: 'output',
      argv: [certutil, '-L', '-d', database],
      shows: `${name} C,,`,
      mentions: name,
      otherwise: 'absent',
    },
    install: [
      {
        argv: [certutil, '-A', '-d', database, '-n', name, '-t', 'C,,', '-a', '-i', certificateFile],
        needsRoot: false,
      },
    ],
    uninstall: [{ argv: [certutil, '-D', '-d', database, '-n', name], needsRoot: false }],
    note: 'a browser that is running reads it when it starts again',
  };
}
