// Looks at this machine: which programs, folders, browser profiles and Javas there are. Changes nothing.
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { anchorFolders } from './system-linux.ts';
import type { AnchorFolder, Facts, JavaStore, NssProfile } from './trust-plan.ts';

export interface FactsOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  readonly withWindows?: boolean;
  /** Where the system keeps added roots, if not in the usual places. */
  readonly anchors?: readonly AnchorFolder[];
}

const programNames = `update-ca-certificates update-ca-trust trust certutil certutil.exe keytool java security sudo doas
  dpkg apt-get dnf pacman zypper apk brew`.split(/\s+/);

export async function readFacts(options: FactsOptions): Promise<Facts> {
  const { environment, platform = process.platform, withWindows = false } = options;
  const userHome = (platform === 'win32' ? environment['USERPROFILE'] : environment['HOME']) || homedir();
  const programs = await findPrograms(platform, environment);
  return {
    platform,
    isRoot: platform !== 'win32' && process.geteuid?.() === 0,
    programs,
    anchors: options.anchors ?? (platform === 'linux' ? await findAnchors(programs) : []),
    isNixOs: platform === 'linux' && (await isThere('/etc/NIXOS')),
    hasJavaHook: await isThere('/etc/ca-certificates/update.d/jks-keystore'),
    wsl: platform === 'linux' ? (environment['WSL_DISTRO_NAME'] ?? null) : null,
    withWindows,
    nssProfiles: platform === 'win32' ? [] : await findNssProfiles(platform, userHome),
    javaStores: await findJava(platform, environment, programs),
    userHome,
  };
}

async function findPrograms(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, string>> {
  const isWindows = platform === 'win32';
  const path = environment['PATH'] ?? environment['Path'] ?? '';
  const folders = isWindows
    ? [join(environment['SystemRoot'] ?? 'C:\\Windows', 'System32'), ...path.split(delimiter)]
    : [
        ...path.split(delimiter),
        // Not on every user's PATH, and where such programs are; Homebrew keeps NSS to itself.
        '/usr/local/sbin',
        '/usr/sbin',
        '/sbin',
        '/opt/homebrew/opt/nss/bin',
        '/usr/local/opt/nss/bin',
        ...(environment['WSL_DISTRO_NAME'] === undefined ? [] : ['/mnt/c/Windows/System32']),
      ];
  const found = new Map<string, string>();
  for (const name of programNames) {
    const names = isWindows && !name.endsWith('.exe') ? [`${name}.exe`, `${name}.cmd`] : [name];
    // Windows' own certutil has nothing to do with that of NSS.
    if (isWindows && name === 'certutil') continue;
    for (const folder of folders.filter((entry) => entry !== '')) {
      const file = await firstThere(names.map((candidate) => join(folder, candidate)));
      if (file === null) continue;
      found.set(name, file);
      break;
    }
  }
  return found;
}

async function findAnchors(programs: ReadonlyMap<string, string>): Promise<readonly AnchorFolder[]> {
  const usable = anchorFolders.filter((anchors) => anchors.programs.every((name) => programs.has(name)));
  const there: AnchorFolder[] = [];
  for (const anchors of usable) if (await isThere(anchors.folder)) there.push(anchors);
  // Debian's folder may be missing where its program is there: it is made.
  return there.length > 0 ? there : usable.filter(({ folder }) => folder.startsWith('/usr/local/')).slice(0, 1);
}

/** Folders below the user's own that hold profiles; `*` is one folder of any name. */
const profilePlaces: Readonly<Record<'linux' | 'darwin', readonly (readonly [pattern: string, program: string])[]>> = {
  linux: [
    ['.mozilla/firefox/*', 'Firefox'],
    ['.config/mozilla/firefox/*', 'Firefox'],
    ['snap/*/common/.mozilla/firefox/*', 'Firefox (snap)'],
    ['.var/app/*/.mozilla/firefox/*', 'Firefox (flatpak)'],
    ['.var/app/*/config/mozilla/firefox/*', 'Firefox (flatpak)'],
    ['.pki/nssdb', 'Chromium'],
    ['.local/share/pki/nssdb', 'Chromium'],
    ['snap/*/current/.pki/nssdb', 'Chromium (snap)'],
    ['snap/*/current/.local/share/pki/nssdb', 'Chromium (snap)'],
    ['.var/app/*/.pki/nssdb', 'Chromium (flatpak)'],
    ['.var/app/*/data/pki/nssdb', 'Chromium (flatpak)'],
  ],
  darwin: [['Library/Application Support/Firefox/Profiles/*', 'Firefox']],
};

async function findNssProfiles(platform: NodeJS.Platform, userHome: string): Promise<readonly NssProfile[]> {
  const places = platform === 'darwin' ? profilePlaces.darwin : profilePlaces.linux;
  const found = new Map<string, NssProfile>();
  for (const [pattern, program] of places) {
    for (const folder of await expand(userHome, pattern.split('/'))) {
      const kind = (await isThere(join(folder, 'cert9.db')))
        ? 'sql'
        : (await isThere(join(folder, 'cert8.db')))
          ? 'dbm'
          : null;
      if (kind === null) continue;
      // Links (`snap/*/current`) lead to what is there under another name.
      const real = await realpath(folder).catch(() => folder);
      if (!found.has(real)) found.set(real, { folder: real, kind, program });
    }
  }
  return [...found.values()];
}

async function expand(folder: string, [part, ...rest]: readonly string[]): Promise<readonly string[]> {
  if (part === undefined) return [folder];
  if (part !== '*') return expand(join(folder, part), rest);
  const names = await readdir(folder).catch(() => [] as string[]);
  const found = await Promise.all(names.sort().map((name) => expand(join(folder, name), rest)));
  return found.flat();
}

async function findJava(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
  programs: ReadonlyMap<string, string>,
): Promise<readonly JavaStore[]> {
  const java = programs.get('java');
  const onPath = java === undefined ? [] : [dirname(dirname(await realpath(java).catch(() => java)))];
  const homes = environment['JAVA_HOME'] ? [environment['JAVA_HOME']] : onPath;
  const tool = platform === 'win32' ? 'keytool.exe' : 'keytool';
  for (const home of homes) {
    const keytool = (await firstThere([join(home, 'bin', tool)])) ?? programs.get('keytool');
    const keystore = await firstThere([join(home, 'lib/security/cacerts'), join(home, 'jre/lib/security/cacerts')]);
    if (keytool === undefined || keystore === null) continue;
    const real = await realpath(keystore).catch(() => keystore);
    return [{ keystore: real, keytool, isWritable: await isThere(real, constants.W_OK) }];
  }
  return [];
}

const isThere = (file: string, mode = constants.F_OK): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );

async function firstThere(files: readonly string[]): Promise<string | null> {
  for (const file of files) if (await isThere(file)) return file;
  return null;
}
