// The words of trust stores: what a machine has (facts), what is to be done (steps), where a root can go (targets). Types only:
// planners turn facts into targets and are pure; `run-step.ts` alone runs anything.
import type { ErrorCode } from '../../errors.ts';
import type { RootCertificate } from '../root-certificate.ts';

export const storeNames = ['system', 'nss', 'java', 'node'] as const;
export type StoreName = (typeof storeNames)[number];

/** What there is on this machine, as far as trust stores go. */
export interface Facts {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** Programs by name, with their files: those that were found. */
  readonly programs: ReadonlyMap<string, string>;
  /** Where the system keeps added roots, if the folder or the program that reads it is there; the first one counts. */
  readonly anchors: readonly AnchorFolder[];
  readonly isNixOs: boolean;
  /** Does the system's program put roots into Java's store as well? */
  readonly hasJavaHook: boolean;
  /** The distribution's name within Windows; null outside of WSL. */
  readonly wsl: string | null;
  /** Under WSL: Windows' own store as well? */
  readonly withWindows: boolean;
  readonly nssProfiles: readonly NssProfile[];
  readonly javaStores: readonly JavaStore[];
  /** The user's own folder. */
  readonly userHome: string;
}

/** A folder of added roots, and the program that makes bundles of what is in it. */
export interface AnchorFolder {
  readonly folder: string;
  /** Of certificate files. */
  readonly ending: '.crt' | '.pem';
  readonly refresh: readonly string[];
  /** A file made by `refresh` that holds every root. */
  readonly bundle: string;
  /** Debian's: links that its program leaves behind when a file is gone, and the hook that puts roots into Java's store, if there is one. */
  readonly leftovers?: { readonly links: string; readonly javaHook: string };
}

export interface NssProfile {
  readonly folder: string;
  readonly kind: 'sql' | 'dbm';
  /** For people: "Firefox", "Chromium (snap)" … */
  readonly program: string;
}

export interface JavaStore {
  readonly keystore: string;
  readonly keytool: string;
  readonly isWritable: boolean;
}

/** One command line. `needsRoot`: with root rights, by sudo where tapes itself has none. */
export interface Step {
  readonly argv: readonly string[];
  readonly needsRoot: boolean;
}

/** How to tell whether a root is in a store already. */
export type Probe =
  | { readonly type: 'file'; readonly file: string; readonly bundle: string }
  /** Runs a program that shows what is there; it may exit with another code where nothing is under the root's name. */
  | {
      readonly type: 'output';
      readonly argv: readonly string[];
      /** In the output if our root is there, and trusted. */
      readonly shows: string;
      /** In the output if something of ours is there, trusted or not. */
      readonly mentions?: string;
      /** What it means if neither is in the output of a program that exits with 0. */
      readonly otherwise: 'absent' | 'foreign';
    };

/** One place in which the root can be put. */
export interface Target {
  readonly type: 'target';
  readonly store: StoreName;
  /** What the ledger knows it by. */
  readonly target: string;
  /** For people. */
  readonly label: string;
  /** A file or folder without which the store is not there any more; null where it always is. */
  readonly place: string | null;
  readonly probe: Probe;
  readonly install: readonly Step[];
  readonly uninstall: readonly Step[];
  /** What else to know: a window that asks, a program to start again. */
  readonly note?: string;
}

/** Why a store cannot be changed, and the next command. */
export interface Problem {
  readonly type: 'problem';
  readonly store: StoreName;
  readonly label: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** A store that tapes does not change itself: what to do or write there. */
export interface Advice {
  readonly type: 'advice';
  readonly store: StoreName;
  readonly label: string;
  readonly message: string;
  readonly lines: readonly string[];
}

export type PlanEntry = Target | Problem | Advice;

/** The root to put somewhere, and the file that holds its certificate alone. */
export interface RootToTrust {
  readonly certificate: RootCertificate;
  readonly certificateFile: string;
  /** The file that holds all that agents should trust: for variables. */
  readonly trustedFile: string;
}
