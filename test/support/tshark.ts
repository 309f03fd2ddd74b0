// What Wireshark makes of a file, by its command-line twin. A test that needs it fails where it is not installed; `.ci/run` installs it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const checksums = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LC_ALL: 'C.UTF-8' };
const maxBuffer = 256 * 1024 * 1024;

/** Lines of stdout. */
export function tshark(file: string, ...args: readonly string[]): string[] {
  const { status, stdout, stderr, error } = spawnSync('tshark', ['-r', file, ...checksums, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer,
  });
  if (error !== undefined) throw new Error('tshark is missing: apt-get install tshark', { cause: error });
  if (status !== 0) throw new Error(`tshark ends with ${status}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Fields of the packets that a filter lets through. */
export function tsharkFields(file: string, filter: string, ...fields: readonly string[]): string[][] {
  const args = fields.flatMap((field) => ['-e', field]);
  return tshark(file, '-Y', filter, '-T', 'fields', ...args).map((line) => line.split('\t'));
}

/** What is wrong with a file: malformed packets, expert warnings and errors (a reset that really was is none), lost or repeated segments. */
export function tsharkComplaints(file: string, ...options: readonly string[]): string[] {
  const warning = 0x0060_0000;
  const filter = [
    '_ws.malformed',
    `(_ws.expert.severity >= ${warning} && !tcp.flags.reset == 1)`,
    'tcp.analysis.out_of_order',
    'tcp.analysis.lost_segment',
    'tcp.analysis.retransmission',
    'tcp.analysis.ack_lost_segment',
    'tcp.analysis.duplicate_ack',
  ].join(' || ');
  return tshark(file, ...options, '-Y', filter);
}

export interface HttpMessage {
  readonly leg: string;
  readonly stream: string;
  readonly method: string;
  readonly uri: string;
  readonly status: string;
}

export function httpMessages(file: string): HttpMessage[] {
  const fields = [
    'frame.interface_name',
    'tcp.stream',
    'http.request.method',
    'http.request.uri',
    'http.response.code',
  ];
  return tsharkFields(file, 'http.request || http.response', ...fields).map(
    ([leg = '', stream = '', method = '', uri = '', status = '']) => ({ leg, stream, method, uri, status }),
  );
}

/** The bodies that `--export-objects http` writes. */
export function exportedBodies(file: string): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'tapes-objects-'));
  try {
    tshark(file, '-q', '--export-objects', `http,${folder}`);
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Another program of the Wireshark family. */
export function runTool(name: 'editcap' | 'capinfos', ...args: readonly string[]): string {
  return execFileSync(name, args, { env, encoding: 'utf8', maxBuffer });
}
