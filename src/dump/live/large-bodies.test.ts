// Large compressed bodies through a live dump with its thread, read by tshark: as long as they were, under their encoding, without the secret.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { cutIntoChunks } from '../../../test/support/chunks.ts';
import { freshDumpFolder, originOfTests } from '../../../test/support/dump-script.ts';
import { exportedBodies, tsharkComplaints, tsharkFields } from '../../../test/support/tshark.ts';
import { WireScript } from '../../../test/support/wire-script.ts';
import { openDumpFile, openLiveDump } from '../index.ts';

const secret = 'Zx81q7Lm9tR4vKw2Pb6Ny3';
const mib = 1024 * 1024;

/** Above 8 MiB compressed: what can hardly be, and what can; a secret at the end of each line. */
const text = Buffer.from(
  Array.from(
    { length: 110 },
    () => `${randomBytes(90_000).toString('base64')} ${'word '.repeat(2000)} ${secret}\n`,
  ).join(''),
);

const cases: [encoding: string, encode: (bytes: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ['zstd', (bytes) => execFileSync('zstd', ['-q', '-3', '-c'], { input: bytes, maxBuffer: 64 * mib })],
];

describe('a large body in a live dump', () => {
  it.each(cases)(
    'under %s is decoded by tshark, or zstd, to as many bytes as it was',
    async (encoding, encode) => {
      const body = encode(text);
      expect(body.length).toBeGreaterThan(8.2 * mib);
      const folder = freshDumpFolder();
      const [pcapng, har, txt] = ['a.pcapng', 'a.har', 'a.txt'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      const formats = { pcapng, har, text: txt };
      const live = openLiveDump(
        {
          agent: 'codex',
          origin: originOfTests,
          maskKey: Buffer.alloc(32, 7),
          secrets: [secret],
          keepSecrets: false,
          targets: (['pcapng', 'har', 'text'] as const).map((format) => ({
            format,
            target: openDumpFile(formats[format], false),
          })),
          tlsTarget: null,
          bodies: 'full',
          keepZstd: true,
        },
        256 * mib,
      );
      const fields = [['content-encoding', encoding], ['content-length', String(body.length)]] as const; // prettier-ignore
      const script = new WireScript();
      script.post('a', { httpVersion: '1.1' }, '').head('a', { headers: [['content-type', 'text/plain'], ...fields] });
      for (const chunk of cutIntoChunks(body, 3, 60_000)) script.wait(1).data('a', chunk);
      script.wait(1).end('a');
      for (const event of script.events) live.push(event);
      await live.close();
      for (const file of [pcapng, har, txt]) expect(readFileSync(file).includes(secret)).toBe(false);
      // Wireshark 4.0 does not know zstd, and says so.
      if (encoding !== 'zstd') expect(tsharkComplaints(pcapng)).toEqual([]);
      const [said] = tsharkFields(pcapng, 'http.response', 'http.content_length_header', 'http.content_encoding');
      expect(said).toEqual([String(body.length), encoding]);
      // tshark takes off the encodings that it knows; a body in zstd it shows in segments only.
      const unzip = (): Buffer => {
        const payload = tsharkFields(
          pcapng,
          'tcp.srcport == 80 && frame.interface_name == "agent"',
          'tcp.payload',
        ).join('');
        const message = Buffer.from(payload.replaceAll(':', ''), 'hex');
        const onWire = message.subarray(message.indexOf('\r\n\r\n') + 4);
        expect(onWire.length).toBe(body.length);
        return execFileSync('zstd', ['-q', '-d', '-c'], { input: onWire, maxBuffer: 64 * mib });
      };
      const decoded = encoding === 'zstd' ? unzip() : exportedBodies(pcapng).find(({ length }) => length > mib)!;
      expect(decoded.length).toBe(text.length);
      expect(decoded.includes(secret)).toBe(false);
      const [line = ''] = decoded.toString('latin1', 0, 200_000).split('\n');
      expect(line).toMatch(/masked:[0-9a-f]{8}\*{7}$/);
      expect(line.replace(/masked:.*/, secret)).toBe(text.toString('latin1', 0, line.length));
    },
    120_000,
  );
});
