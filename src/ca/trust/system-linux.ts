// The system store of a Linux: a file in the folder of added roots, then the program that makes bundles of it. Which folder and program is
// told from what is there, not from the distribution's name. Under NixOS the store is made from the configuration.
import { basename, dirname, join } from 'node:path';

import type { AnchorFolder, Facts, PlanEntry, RootToTrust, Step, Target } from './trust-plan.ts';
import { planWindows } from './system-windows.ts';

/** Every layout known, most telling first: openSUSE has Debian's program with other folders, Arch has Fedora's. */
export const anchorFolders: readonly (AnchorFolder & { readonly programs: readonly string[] })[] = [
  {
    // Fedora, RHEL and their kin
    programs: ['update-ca-trust'],
    folder: '/etc/pki/ca-trust/source/anchors',
    ending: '.pem',
    refresh: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    // Arch
    programs: ['update-ca-trust'],
    folder: '/etc/ca-certificates/trust-source/anchors',
    ending: '.crt',
    refresh: ['update-ca-trust'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    // p11-kit alone, in Arch's layout
    programs: ['trust'],
    folder: '/etc/ca-certificates/trust-source/anchors',
    ending: '.crt',
    refresh: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    // openSUSE
    programs: ['update-ca-certificates'],
    folder: '/etc/pki/trust/anchors',
    ending: '.pem',
    refresh: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
  {
    // Debian, Ubuntu
    programs: ['update-ca-certificates', 'dpkg'],
    folder: '/usr/local/share/ca-certificates',
    ending: '.crt',
    refresh: ['update-ca-certificates'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
    leftovers: { links: '/etc/ssl/certs', javaHook: '/etc/ca-certificates/update.d/jks-keystore' },
  },
  {
    // Alpine, Gentoo
    programs: ['update-ca-certificates'],
    folder: '/usr/local/share/ca-certificates',
    ending: '.crt',
    refresh: ['update-ca-certificates'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
];

export function planLinux(facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  const windows = facts.withWindows ? planWindows(facts, root) : [];
  return [...planOwn(facts, root), ...windows];
}

function planOwn(facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  if (facts.isNixOs) return [adviseNixOs(root)];
  const [anchors] = facts.anchors;
  if (anchors !== undefined) return [anchorTarget(facts, anchors, root)];
  return [
    {
      type: 'problem',
      store: 'system',
      label: 'system store',
      code: 'E_STORE_TOOL_MISSING',
      message: 'neither update-ca-certificates nor update-ca-trust nor trust is here',
      hint: `install the program that keeps the system's roots: ${installCommand(facts, caPackages) ?? 'it is in the package ca-certificates'}`,
    },
  ];
}

/** Where an earlier install put a file; null where no layout has that folder. */
export function planAnchorFile(facts: Facts, file: string, root: RootToTrust): Target | null {
  const folder = dirname(file);
  const isOurs = basename(file).startsWith('tapes-local-root-');
  const anchors =
    facts.anchors.find((candidate) => candidate.folder === folder) ??
    anchorFolders.find((candidate) => candidate.folder === folder);
  return anchors === undefined || !isOurs ? null : anchorTarget(facts, anchors, root);
}

function anchorTarget(facts: Facts, anchors: AnchorFolder, { certificate, certificateFile }: RootToTrust): Target {
  const file = join(anchors.folder, `${certificate.name}${anchors.ending}`);
  const [program = '', ...args] = anchors.refresh;
  const found = facts.programs.get(program);
  const refresh = { argv: [found ?? program, ...args], needsRoot: true };
  const { leftovers } = anchors;
  const links = leftovers === undefined ? [] : [join(leftovers.links, `${certificate.name}.pem`)];
  const tidy = leftovers === undefined ? [] : [{ argv: ['openssl', 'rehash', leftovers.links], needsRoot: true }];
  const outOfJava = facts.hasJavaHook && leftovers !== undefined ? [forgetInJava(leftovers.javaHook, links[0]!)] : [];
  return {
    type: 'target',
    store: 'system',
    target: file,
    label: file,
    place: null,
    probe: { type: 'file', file, bundle: anchors.bundle },
    install: [{ argv: ['install', '-D', '-m', '0644', certificateFile, file], needsRoot: true }, refresh, ...outOfJava],
    uninstall: [
      { argv: ['rm', '-f', file, ...links], needsRoot: true },
      ...(found === undefined ? [] : [refresh, ...tidy, ...outOfJava]),
    ],
    note: `programs that are running read it when they start again${outOfJava.length > 0 ? '; Java is left out: see --store java' : ''}`,
  };
}

/**
 * Debian's program puts every new root into Java's store too, and does not take it out again (docs/discoveries/trust-stores.md). Java does
 * not honour what a root is limited to: so it comes out at once, by the line that the hook takes for a root that is gone. The hook
 * notes the line first and lets dpkg act on it; where dpkg is busy, it acts later.
 */
function forgetInJava(javaHook: string, link: string): Step {
  return { argv: ['sh', '-c', `echo "-${link}" | ${javaHook} || true`], needsRoot: true };
}

function adviseNixOs({ certificate }: RootToTrust): PlanEntry {
  return {
    type: 'advice',
    store: 'system',
    label: 'NixOS',
    message: 'the store is made from the configuration: write this into it, then: sudo nixos-rebuild switch',
    lines: [
      'security.pki.certificates = [',
      "  ''",
      ...certificate.certificatePem
        .trim()
        .split('\n')
        .map((line) => `    ${line}`),
      "  ''",
      '];',
    ],
  };
}

const caPackages: Readonly<Record<string, string>> = {
  'apt-get': 'ca-certificates',
  dnf: 'ca-certificates',
  pacman: 'ca-certificates-utils',
  zypper: 'ca-certificates',
  apk: 'ca-certificates',
};

/** The command that installs a package here, by the package manager that is there. */
export function installCommand(facts: Facts, packages: Readonly<Record<string, string>>): string | null {
  const verbs: Readonly<Record<string, string>> = {
    'apt-get': 'apt-get install',
    dnf: 'dnf install',
    pacman: 'pacman -S',
    zypper: 'zypper install',
    apk: 'apk add',
    brew: 'brew install',
  };
  const manager = Object.keys(packages).find((name) => facts.programs.has(name));
  if (manager === undefined) return null;
  const asRoot =
    facts.isRoot || manager === 'brew'
      ? ''
      : facts.programs.has('sudo')
        ? 'sudo '
        : facts.programs.has('doas')
          ? 'doas '
          : '';
  return `${asRoot}${verbs[manager]} ${packages[manager]}`;
}
