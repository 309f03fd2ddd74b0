import { expect, test } from 'vitest';

import { maxLineBytes, splitLines } from './split-lines.ts';

async function readAll(chunks: Iterable<Uint8Array>, maxBytes?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(chunks, 'some.jsonl', maxBytes)) lines.push(line);
  return lines;
}

test('lines come whole wherever they are cut, and a last one needs no end', async () => {
  const bytes = Buffer.from('one\n\nzwölf\u2028three\nfour');
  const wanted = ['one', '', 'zwölf\u2028three', 'four'];
  expect(await readAll([bytes])).toEqual(wanted);
  expect(await readAll(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(wanted);
  expect(await readAll([Buffer.from('one\n')])).toEqual(['one']);
});

test('a line may be as long as the bound, and one byte more is refused with file, line and bound', async () => {
  const fits = [Buffer.from('a\n12345\n')];
  expect(await readAll(fits, 5)).toEqual(['a', '12345']);
  await expect(readAll(fits, 4)).rejects.toMatchObject({
    code: 'E_IMPORT_DAMAGED',
    message: expect.stringMatching(/^line 2 of some\.jsonl is longer than 4 bytes/),
    hint: expect.stringContaining('tapes export SESSION -o FILE'),
  });
});

test('a line that never ends is given up at the bound, and nothing more is read', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'a');
  let given = 0;
  const endless = function* (): Generator<Uint8Array> {
    for (;;) {
      given += chunk.length;
      yield chunk;
    }
  };
  await expect(readAll(endless())).rejects.toMatchObject({ code: 'E_IMPORT_DAMAGED' });
  expect(given).toBe(maxLineBytes + chunk.length);
});
