// `tapes ca create | status | path | export | install | uninstall | rotate`
import type { Command } from 'commander';

import type { StoreName } from '../../ca/index.ts';
import { exitCodes, TapesError } from '../../errors.ts';
import { collect } from './proxy-options.ts';

interface Options {
  readonly home?: string;
  readonly db?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly store?: readonly StoreName[];
  readonly hostName?: readonly string[];
  readonly windows?: boolean;
  readonly earlier?: boolean;
  readonly forget?: boolean;
  readonly anyway?: boolean;
  readonly format?: string;
  readonly output?: string;
  readonly force?: boolean;
}

const storeNames: readonly StoreName[] = ['system', 'nss', 'java', 'node'];
const storeOption = ['--store <names>', `of ${storeNames.join(', ')}, with commas between them`] as const;
const hostNameOption = [
  '--host-name <glob>',
  "also permit this host: llm.example.com, '*.example.com'; may be repeated",
] as const;

export function addCaCommand(program: Command): void {
  const ca = program
    .command('ca')
    .description('The root that signs for intercepted hosts, and the trust stores.')
    .addHelpText(
      'after',
      `
\`tapes intercept\` needs none of this: it tells the one program that it starts.
Installing is for agents that start themselves (a desktop app, an editor).

Examples:
  $ tapes ca install --dry-run          what would be run
  $ tapes ca install                    the system store
  $ tapes ca status
  $ tapes ca uninstall`,
    );
  addCreate(ca);
  addStatus(ca);
  addPath(ca);
  addExport(ca);
  addInstall(ca);
  addUninstall(ca);
  addRotate(ca);
}

function addCreate(ca: Command): void {
  ca.command('create')
    .description('Make the root, where there is none.')
    .option(...hostNameOption, collect, [])
    .option('--dry-run', 'make nothing, and say what would be made')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example("tapes ca create --host-name '*.example.com'"))
    .action(async (_options: unknown, command: Command) => {
      const { json, dryRun = false, hostName = [], ...places } = command.optsWithGlobals<Options>();
      const { createCa } = await import('../../app/create-ca.ts');
      const { renderCreated } = await import('../render/ca-view.ts');
      await print(json, await createCa({ ...places, hostNames: hostName, dryRun }), renderCreated);
    });
}

function addStatus(ca: Command): void {
  ca.command('status')
    .description('What root there is, how long it lasts, and which stores have it.')
    .option(...storeOption, readStores)
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('tapes ca status'))
    .action(async (_options: unknown, command: Command) => {
      const { json, store = storeNames, ...places } = command.optsWithGlobals<Options>();
      const { describeCa } = await import('../../app/describe-ca.ts');
      const { renderStatus } = await import('../render/ca-view.ts');
      const status = await describeCa({ ...places, stores: store, environment: process.env });
      await print(json, status, renderStatus);
      if (status.problem !== null) process.exitCode = exitCodes.failed;
    });
}

function addPath(ca: Command): void {
  ca.command('path')
    .description('The file that programs can be told to trust.')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('NODE_EXTRA_CA_CERTS="$(tapes ca path)" node app.js'))
    .action(async (_options: unknown, command: Command) => {
      const { json, ...places } = command.optsWithGlobals<Options>();
      const { requireRoot } = await import('../../app/describe-ca.ts');
      const { certificateFile } = await requireRoot(places);
      await print(json, { certificateFile }, () => certificateFile);
    });
}

function addExport(ca: Command): void {
  ca.command('export')
    .description("The root's certificate, never its key.")
    .option('--format <name>', 'pem or der', 'pem')
    .option('-o, --output <file>', 'the file to write (default, and with -: stdout)')
    .option('--force', 'replace a file that is there already')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('tapes ca export --format der -o tapes-root.der'))
    .action(async (_options: unknown, command: Command) => {
      const { json, format = 'pem', output = '-', force = false, ...places } = command.optsWithGlobals<Options>();
      if (format !== 'pem' && format !== 'der') {
        throw new TapesError('E_USAGE', `--format ${format} is not known: tapes knows pem and der`, {
          hint: 'tapes ca export --format pem',
        });
      }
      const { exportCa } = await import('../../app/describe-ca.ts');
      const { root, bytes, file } = await exportCa({ ...places, format, output, force });
      const { certificatePem, fingerprint } = root;
      if (json) await print(json, { certificatePem, fingerprint, file }, () => '');
      else if (file === null) process.stdout.write(bytes);
      else (await import('../render/page.ts')).say(`wrote the certificate of ${root.commonName} to ${file}`);
    });
}

function addInstall(ca: Command): void {
  ca.command('install')
    .description('Have programs that tapes does not start itself trust the root.')
    .option(storeOption[0], `${storeOption[1]} (default: system)`, readStores)
    .option('--windows', "under WSL: Windows' own store as well")
    .option('--dry-run', 'change nothing, and say which commands would be run')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Makes a root where there is none. Each store is done on its own: exits 1 if one
failed. sudo is used only for the step that needs it.

Examples:
  $ tapes ca install --dry-run
  $ tapes ca install --store system,nss`,
    )
    .action(async (_options: unknown, command: Command) => {
      const {
        json,
        dryRun = false,
        store = ['system'],
        windows = false,
        ...places
      } = command.optsWithGlobals<Options>();
      const { installCa } = await import('../../app/install-ca.ts');
      const { renderInstalled } = await import('../render/ca-view.ts');
      const report = await installCa({
        ...places,
        stores: store,
        dryRun,
        withWindows: windows,
        environment: process.env,
      });
      await print(json, report, renderInstalled);
      if (report.failed) process.exitCode = exitCodes.failed;
    });
}

function addUninstall(ca: Command): void {
  ca.command('uninstall')
    .description('Take out of the trust stores what tapes put there.')
    .option(storeOption[0], `${storeOption[1]} (default: every store that has something)`, readStores)
    .option('--earlier', 'only roots before the one in use, which a rotation left')
    .option('--dry-run', 'change nothing, and say which commands would be run')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('tapes ca uninstall --dry-run'))
    .action(async (_options: unknown, command: Command) => {
      const { json, dryRun = false, store = null, earlier = false, ...places } = command.optsWithGlobals<Options>();
      const { uninstallCa } = await import('../../app/uninstall-ca.ts');
      const { renderUninstalled } = await import('../render/ca-view.ts');
      const report = await uninstallCa({ ...places, stores: store, earlier, dryRun, environment: process.env });
      await print(json, report, renderUninstalled);
      if (report.failed) process.exitCode = exitCodes.failed;
    });
}

function addRotate(ca: Command): void {
  ca.command('rotate')
    .description('Put a new root in the place of the one in use, in every store.')
    .option(...hostNameOption, collect, [])
    .option('--anyway', 'use the new root also where a store could not take it')
    .option('--forget', 'agents stop trusting earlier roots at once: if a key may be in other hands')
    .option('--dry-run', 'change nothing, and say which commands would be run')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The new root goes into every store first, then it is used, then the earlier one
is taken out; there is no moment in which neither is trusted. Where a store
cannot take it, the earlier one is used on, and rotate again goes on from there.

Examples:
  $ tapes ca rotate
  $ tapes ca rotate --host-name '*.example.com'`,
    )
    .action(async (_options: unknown, command: Command) => {
      const {
        json,
        dryRun = false,
        hostName = [],
        forget = false,
        anyway = false,
        ...places
      } = command.optsWithGlobals<Options>();
      const { rotateCa } = await import('../../app/rotate-ca.ts');
      const { renderRotated } = await import('../render/ca-view.ts');
      const report = await rotateCa({
        ...places,
        hostNames: hostName,
        forget,
        anyway,
        dryRun,
        environment: process.env,
      });
      await print(json, report, renderRotated);
      if (report.failed) process.exitCode = exitCodes.failed;
    });
}

async function print<T>(
  json: boolean | undefined,
  value: T,
  render: (value: T, paint: import('../render/paint.ts').Paint) => string,
): Promise<void> {
  const { openPage, writeJson, writeText } = await import('../render/page.ts');
  const { asTyped, asTypedDocument } = await import('../render/typed-command.ts');
  if (json) writeJson(asTypedDocument(value));
  else writeText(asTyped(render(value, openPage().paint)));
}

function readStores(value: string, earlier: readonly StoreName[] | undefined): readonly StoreName[] {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !storeNames.some((known) => known === name));
  if (unknown !== undefined) {
    throw new TapesError('E_USAGE', `--store ${unknown} is not known: tapes knows ${storeNames.join(', ')}`, {
      hint: 'tapes ca install --store system,nss',
    });
  }
  return [...new Set([...(earlier ?? []), ...(names as StoreName[])])];
}

const example = (command: string): string => `\nExample:\n  $ ${command}`;
