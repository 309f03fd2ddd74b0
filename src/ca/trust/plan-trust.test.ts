import { describe, expect, it } from 'vitest';

import type { RootCertificate } from '../root-certificate.ts';
import { planStore, planTarget } from './plan-trust.ts';
import { commandLine, typedCommand } from './run-step.ts';
import { anchorFolders } from './system-linux.ts';
import type { AnchorFolder, Facts, PlanEntry, RootToTrust, StoreName, Target } from './trust-plan.ts';

const certificate: RootCertificate = {
  certificatePem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  fingerprint: '0123456789abcdef'.repeat(4),
  thumbprint: 'A1B2C3',
  name: 'tapes-local-root-0123456789abcdef',
  commonName: 'tapes local root 01234567',
  startsAt: new Date(0),
  expiresAt: new Date(1),
  permittedDomains: ['chatgpt.com'],
};
const root: RootToTrust = {
  certificate,
  certificateFile: '/home/dev/.tapes/ca/tapes-local-root-0123456789abcdef.pem',
  trustedFile: '/home/dev/.tapes/ca/root.pem',
};
const pem = root.certificateFile;

function machine(given: Partial<Omit<Facts, 'programs'>> & { readonly programs?: readonly string[] } = {}): Facts {
  const { programs = [], ...more } = given;
  return {
    platform: 'linux',
    isRoot: false,
    programs: new Map(programs.map((file) => [file.split(/[/\\]/).at(-1)!, file])),
    anchors: [],
    isNixOs: false,
    hasJavaHook: false,
    wsl: null,
    withWindows: false,
    nssProfiles: [],
    javaStores: [],
    userHome: '/home/dev',
    ...more,
  };
}

/** The layout whose folder this is, as `readFacts` would find it. */
const layout = (folder: string, program: string): readonly AnchorFolder[] =>
  anchorFolders.filter((anchors) => anchors.folder === folder && anchors.programs.includes(program)).slice(0, 1);

const targetOf = ([entry]: readonly PlanEntry[]): Target => {
  if (entry?.type !== 'target') throw new Error(`not a target: ${JSON.stringify(entry)}`);
  return entry;
};
const typed = (steps: Target['install'], facts: Facts): string[] =>
  steps.map((step) => typedCommand(commandLine(step, facts) ?? ['(needs root)', ...step.argv], facts.platform));

const debian = '/usr/local/share/ca-certificates';
const sudo = '/usr/bin/sudo';

describe('the command lines for the system store', () => {
  it.each<[name: string, facts: Facts, install: string[], uninstall: string[]]>([
    [
      'Debian and Ubuntu',
      machine({
        programs: ['/usr/sbin/update-ca-certificates', '/usr/bin/dpkg', sudo],
        anchors: layout(debian, 'dpkg'),
      }),
      [
        `sudo install -D -m 0644 ${pem} ${debian}/tapes-local-root-0123456789abcdef.crt`,
        'sudo /usr/sbin/update-ca-certificates',
      ],
      [
        `sudo rm -f ${debian}/tapes-local-root-0123456789abcdef.crt /etc/ssl/certs/tapes-local-root-0123456789abcdef.pem`,
        'sudo /usr/sbin/update-ca-certificates',
        'sudo openssl rehash /etc/ssl/certs',
      ],
    ],
    [
      'Debian with the hook that fills the store of Java, as root',
      machine({
        isRoot: true,
        hasJavaHook: true,
        programs: ['/usr/sbin/update-ca-certificates', '/usr/bin/dpkg', sudo],
        anchors: layout(debian, 'dpkg'),
      }),
      [
        `install -D -m 0644 ${pem} ${debian}/tapes-local-root-0123456789abcdef.crt`,
        '/usr/sbin/update-ca-certificates',
        `sh -c 'echo "-/etc/ssl/certs/tapes-local-root-0123456789abcdef.pem" | /etc/ca-certificates/update.d/jks-keystore || true'`,
      ],
      [
        `rm -f ${debian}/tapes-local-root-0123456789abcdef.crt /etc/ssl/certs/tapes-local-root-0123456789abcdef.pem`,
        '/usr/sbin/update-ca-certificates',
        'openssl rehash /etc/ssl/certs',
        `sh -c 'echo "-/etc/ssl/certs/tapes-local-root-0123456789abcdef.pem" | /etc/ca-certificates/update.d/jks-keystore || true'`,
      ],
    ],
    [
      'Fedora and RHEL',
      machine({
        programs: ['/usr/bin/update-ca-trust', '/usr/bin/trust', sudo],
        anchors: layout('/etc/pki/ca-trust/source/anchors', 'update-ca-trust'),
      }),
      [
        `sudo install -D -m 0644 ${pem} /etc/pki/ca-trust/source/anchors/tapes-local-root-0123456789abcdef.pem`,
        'sudo /usr/bin/update-ca-trust extract',
      ],
      [
        'sudo rm -f /etc/pki/ca-trust/source/anchors/tapes-local-root-0123456789abcdef.pem',
        'sudo /usr/bin/update-ca-trust extract',
      ],
    ],
    [
      'Arch',
      machine({
        programs: ['/usr/bin/update-ca-trust', '/usr/bin/trust', sudo],
        anchors: layout('/etc/ca-certificates/trust-source/anchors', 'update-ca-trust'),
      }),
      [
        `sudo install -D -m 0644 ${pem} /etc/ca-certificates/trust-source/anchors/tapes-local-root-0123456789abcdef.crt`,
        'sudo /usr/bin/update-ca-trust',
      ],
      [
        'sudo rm -f /etc/ca-certificates/trust-source/anchors/tapes-local-root-0123456789abcdef.crt',
        'sudo /usr/bin/update-ca-trust',
      ],
    ],
    [
      'p11-kit alone',
      machine({
        programs: ['/usr/bin/trust', sudo],
        anchors: layout('/etc/ca-certificates/trust-source/anchors', 'trust'),
      }),
      [
        `sudo install -D -m 0644 ${pem} /etc/ca-certificates/trust-source/anchors/tapes-local-root-0123456789abcdef.crt`,
        'sudo /usr/bin/trust extract-compat',
      ],
      [
        'sudo rm -f /etc/ca-certificates/trust-source/anchors/tapes-local-root-0123456789abcdef.crt',
        'sudo /usr/bin/trust extract-compat',
      ],
    ],
    [
      'openSUSE',
      machine({
        programs: ['/usr/sbin/update-ca-certificates', sudo],
        anchors: layout('/etc/pki/trust/anchors', 'update-ca-certificates'),
      }),
      [
        `sudo install -D -m 0644 ${pem} /etc/pki/trust/anchors/tapes-local-root-0123456789abcdef.pem`,
        'sudo /usr/sbin/update-ca-certificates',
      ],
      [
        'sudo rm -f /etc/pki/trust/anchors/tapes-local-root-0123456789abcdef.pem',
        'sudo /usr/sbin/update-ca-certificates',
      ],
    ],
    [
      'Alpine, which has doas',
      machine({
        programs: ['/usr/sbin/update-ca-certificates', '/usr/bin/doas', '/sbin/apk'],
        anchors: anchorFolders.filter(({ folder, programs }) => folder === debian && programs.length === 1),
      }),
      [
        `doas install -D -m 0644 ${pem} ${debian}/tapes-local-root-0123456789abcdef.crt`,
        'doas /usr/sbin/update-ca-certificates',
      ],
      [`doas rm -f ${debian}/tapes-local-root-0123456789abcdef.crt`, 'doas /usr/sbin/update-ca-certificates'],
    ],
    [
      'macOS',
      machine({ platform: 'darwin', programs: ['/usr/bin/security', sudo] }),
      [`sudo /usr/bin/security add-trusted-cert -d -r trustRoot -p ssl -k /Library/Keychains/System.keychain ${pem}`],
      [
        `sudo /usr/bin/security remove-trusted-cert -d ${pem}`,
        'sudo /usr/bin/security delete-certificate -Z A1B2C3 /Library/Keychains/System.keychain',
      ],
    ],
    [
      'Windows',
      machine({ platform: 'win32', programs: ['C:\\Windows\\System32\\certutil.exe'] }),
      [`C:\\Windows\\System32\\certutil.exe -user -addstore Root ${pem}`],
      ['C:\\Windows\\System32\\certutil.exe -user -delstore Root A1B2C3'],
    ],
  ])('of %s', (_name, facts, install, uninstall) => {
    const target = targetOf(planStore('system', facts, root));
    expect({ install: typed(target.install, facts), uninstall: typed(target.uninstall, facts) }).toEqual({
      install,
      uninstall,
    });
    // What the ledger keeps leads to the same commands again.
    expect(planTarget('system', target.target, facts, root)).toEqual(target);
  });

  it("of WSL: its own, and Windows' on request", () => {
    const facts = machine({
      programs: ['/usr/sbin/update-ca-certificates', '/usr/bin/dpkg', sudo, '/mnt/c/Windows/System32/certutil.exe'],
      anchors: layout(debian, 'dpkg'),
      wsl: 'Ubuntu-24.04',
    });
    expect(planStore('system', facts, root)).toHaveLength(1);
    const [, windows] = planStore('system', { ...facts, withWindows: true }, root);
    const target = targetOf([windows!]);
    expect(typed(target.install, facts)).toEqual([
      String.raw`/mnt/c/Windows/System32/certutil.exe -user -addstore Root '\\wsl$\Ubuntu-24.04\home\dev\.tapes\ca\tapes-local-root-0123456789abcdef.pem'`,
    ]);
    // Taken out again also where it is not asked for.
    expect(planTarget('system', target.target, facts, root)).toEqual(target);
  });

  it('of NixOS: what to write into the configuration', () => {
    const [advice] = planStore('system', machine({ isNixOs: true, anchors: layout(debian, 'dpkg') }), root);
    expect(advice).toMatchObject({
      type: 'advice',
      lines: [
        'security.pki.certificates = [',
        "  ''",
        '    -----BEGIN CERTIFICATE-----',
        '    MIIB',
        '    -----END CERTIFICATE-----',
        "  ''",
        '];',
      ],
    });
  });

  it('are none where there is neither sudo nor root, or no program: the plan says what to do', () => {
    const facts = machine({
      programs: ['/usr/sbin/update-ca-certificates', '/usr/bin/dpkg'],
      anchors: layout(debian, 'dpkg'),
    });
    const [first] = targetOf(planStore('system', facts, root)).install;
    expect(commandLine(first!, facts)).toBeNull();
    expect(planStore('system', machine({ programs: ['/usr/bin/apt-get', sudo] }), root)).toEqual([
      expect.objectContaining({
        type: 'problem',
        code: 'E_STORE_TOOL_MISSING',
        hint: expect.stringContaining('sudo apt-get install ca-certificates'),
      }),
    ]);
  });

  it('never touch a file that is not called as tapes calls it, whatever the ledger says', () => {
    const facts = machine({ anchors: layout(debian, 'dpkg') });
    expect(planTarget('system', `${debian}/corporate.crt`, facts, root)).toBeNull();
    expect(planTarget('system', '/etc/passwd', facts, root)).toBeNull();
    expect(planTarget('nss', '/home/dev/.pki/nssdb', facts, root)).toBeNull();
  });
});

describe('the command lines for NSS', () => {
  const profile = {
    folder: '/home/dev/snap/firefox/common/.mozilla/firefox/a b',
    kind: 'sql',
    program: 'Firefox (snap)',
  } as const;
  const facts = machine({ programs: ['/usr/bin/certutil', sudo], nssProfiles: [profile] });

  it('name each database, trust for TLS servers only, and need no root rights', () => {
    const target = targetOf(planStore('nss', facts, root));
    expect(typed(target.install, facts)).toEqual([
      `/usr/bin/certutil -A -d 'sql:/home/dev/snap/firefox/common/.mozilla/firefox/a b' -n tapes-local-root-0123456789abcdef -t C,, -a -i ${pem}`,
    ]);
    expect(typed(target.uninstall, facts)).toEqual([
      "/usr/bin/certutil -D -d 'sql:/home/dev/snap/firefox/common/.mozilla/firefox/a b' -n tapes-local-root-0123456789abcdef",
    ]);
    expect(planTarget('nss', target.target, facts, root)).toEqual(target);
  });

  it.each([
    ['/usr/bin/apt-get', 'sudo apt-get install libnss3-tools'],
    ['/usr/bin/dnf', 'sudo dnf install nss-tools'],
    ['/usr/bin/pacman', 'sudo pacman -S nss'],
    ['/usr/bin/zypper', 'sudo zypper install mozilla-nss-tools'],
    ['/sbin/apk', 'sudo apk add nss-tools'],
    ['/opt/homebrew/bin/brew', 'brew install nss'],
  ])('without certutil say how to get it by %s', (manager, command) => {
    expect(planStore('nss', machine({ programs: [manager, sudo], nssProfiles: [profile] }), root)).toEqual([
      expect.objectContaining({ code: 'E_STORE_TOOL_MISSING', hint: `${command}, then: tapes ca install --store nss` }),
    ]);
  });
});

describe('the command lines for Java', () => {
  it.each([
    [true, ''],
    [false, 'sudo '],
  ])('need root rights only where cacerts cannot be written: %s', (isWritable, prefix) => {
    const facts = machine({
      programs: [sudo],
      javaStores: [{ keystore: '/opt/jdk/lib/security/cacerts', keytool: '/opt/jdk/bin/keytool', isWritable }],
    });
    const target = targetOf(planStore('java', facts, root));
    const where =
      '-alias tapes-local-root-0123456789abcdef -keystore /opt/jdk/lib/security/cacerts -storepass changeit';
    expect(typed(target.install, facts)).toEqual([
      `${prefix}/opt/jdk/bin/keytool -importcert -noprompt ${where} -file ${pem}`,
    ]);
    expect(typed(target.uninstall, facts)).toEqual([`${prefix}/opt/jdk/bin/keytool -delete -noprompt ${where}`]);
    expect(planTarget('java', target.target, facts, root)).toEqual(target);
  });
});

describe('what has no store', () => {
  it.each<[NodeJS.Platform, string]>([
    ['linux', 'export NODE_EXTRA_CA_CERTS=/home/dev/.tapes/ca/root.pem'],
    ['win32', 'setx NODE_EXTRA_CA_CERTS "/home/dev/.tapes/ca/root.pem"'],
  ])('gets the variable to set, on %s', (platform, line) => {
    const [advice] = planStore('node' satisfies StoreName, machine({ platform }), root);
    expect(advice).toMatchObject({ type: 'advice', lines: [expect.stringContaining(line), expect.anything()] });
  });
});
