// `tapes context`, as it is typed.
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { runCommand } from '../../../test/support/command-line.ts';
import { recordScript } from '../../../test/support/record-script.ts';
import { completed, created, itemDone, opening, plainAnswer, userMessage } from '../../../test/support/wire-script.ts';

const turn = 'turn-aaaa-1';
const toolCall = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'exec', arguments: '{"cmd":"ls"}' };
const toolOutput = {
  type: 'function_call_output',
  id: 'fco_1',
  call_id: 'call_1',
  output: `\u001b]0;x\u0007${'a'.repeat(900)}`,
};
const prompt = userMessage('list the files', turn);

async function record(): Promise<string> {
  const { dbFile } = await recordScript((script) =>
    script
      .call('c0ffee01', {})
      .answer('c0ffee01', [created(), itemDone(toolCall), completed()])
      .call('beef0002', { input: [...opening(turn), prompt, toolCall, toolOutput] })
      .answer('beef0002', plainAnswer('One file.', 'resp_2'))
      .call('dada0003', {
        input: [{ ...opening(turn)[0], tools: [] }, ...opening(turn).slice(1), prompt, toolCall, toolOutput],
        turn: 'turn-b',
      })
      .answer('dada0003', plainAnswer('Two.', 'resp_3'))
      .call('fade0004', {
        thread: 'child-1',
        turn: 'turn-c',
        input: [...opening(turn), prompt],
        metadata: { parent_thread_id: 'session-aaaa-1', agent_name: '/root/task_one' },
      })
      .answer('fade0004', plainAnswer('Three.', 'resp_4')),
  );
  return dbFile;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('context', () => {
  test('shows the parts as bars, the largest items, what is new, and that the prefix held', async () => {
    const { stdout, stderr, error } = await runCommand('context', 'beef', '--db', await record());

    expect({ stderr, error }).toEqual({ stderr: '', error: null });
    expect(stdout).toMatch(
      /^Context of call beef0002\ngpt-6.1-sol · [\d,]+ bytes · 5 items · 100 in \(40 cached\), 12 out\n/,
    );
    expect(stdout).toMatch(/^tool outputs +[\d,]+ +\d+\.\d % +1 {2}█{30}$/m);
    expect(stdout).toMatch(/^4 +[\d,]+ {2}tool outputs +new +␛\]0;x␇aaaa/m);
    expect(stdout).toContain("Items, to a reader: 1 new, 1 from that call's answer, 3 kept.\n  + #4 tool outputs");
    expect(stdout).toMatch(/Exact bytes: [\d,]+ of [\d,]+ begin alike \(30\.7 %\); the prefix holds: 3 equal items\n/);
    expect(stdout).toMatch(/Cached there {2}40 of 100 input tokens \(40\.0 %\)\nCached here {3}40 of 100/);
  });

  test('--json says where the prefix ends, by byte, item and kind of change', async () => {
    const { stdout } = await runCommand('context', 'dada', '--json', '--db', await record());
    const context = JSON.parse(stdout) as {
      bodyBytes: number;
      parts: { sizeBytes: number }[];
      largest: object[];
      previous: { sharedBytes: number };
    };

    expect(context).toMatchObject({
      call: { id: 'dada0003', sessionId: 'session-aaaa-1', threadId: 'session-aaaa-1', turnId: 'turn-b' },
      previous: {
        call: { id: 'beef0002', usage: { cachedInputTokens: 40 } },
        relation: 'thread',
        change: 'itemChanged',
        differsAt: { key: 'input', item: 0 },
        isSameToReader: false,
        sharedItems: 0,
        settingsChanged: [],
        removedItems: [],
      },
    });
    expect(context.parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(context.bodyBytes);
    expect(context.largest[0]).toMatchObject({ part: 'toolOutputs', index: 4, state: 'kept' });
    expect(context.previous.sharedBytes).toBeLessThan(200);
    expect((await runCommand('context', 'dada', '--db', await record())).stdout).toMatch(
      /at input item #0:\nan item changed, behind no equal item\.\n/,
    );
  });

  test('the first call of all has nothing before it; that of a sub-agent has its parent', async () => {
    const dbFile = await record();

    expect((await runCommand('context', 'c0ff', '--db', dbFile)).stdout).toContain(
      'There is no call before it to compare with, or none that can be read.',
    );
    const { previous } = JSON.parse((await runCommand('context', '--json', '--db', dbFile)).stdout) as {
      previous: object;
    };
    expect(previous).toMatchObject({ relation: 'parentThread', call: { id: 'dada0003' }, change: 'itemChanged' });
  });

  test('a call before it that is damaged does not hide this one', async () => {
    const dbFile = await record();
    const ids = ['c0ffee01', 'beef0002'];
    new Database(dbFile)
      .exec(`UPDATE bodies SET data = x'00' WHERE call_id = '${ids[0]}' AND side = 'request'`)
      .close();

    expect((await runCommand('context', ids[0]!, '--db', dbFile)).error).toMatchObject({ code: 'E_BODY_DAMAGED' });
    const { stdout, error } = await runCommand('context', ids[1]!, '--json', '--db', dbFile);
    expect(error).toBeNull();
    expect(JSON.parse(stdout)).toMatchObject({ call: { id: ids[1] }, previous: null });
  });

  test('fits a terminal of 80 columns', async () => {
    vi.stubEnv('FORCE_COLOR', '1');
    const { isTTY, columns } = process.stdout;
    Object.assign(process.stdout, { isTTY: true, columns: 80 });
    try {
      const { stdout } = await runCommand('context', 'beef', '--db', await record());
      const lines = stdout.replaceAll(new RegExp(`${String.fromCodePoint(27)}\\[\\d+m`, 'g'), '').split('\n');
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(stdout).toContain(`${String.fromCodePoint(27)}[36m█`);
    } finally {
      Object.assign(process.stdout, { isTTY, columns });
    }
  });

  test('only calls have a context', async () => {
    const { error } = await runCommand('context', 'session-a', '--db', await record());

    expect(error).toMatchObject({ code: 'E_NOT_FOUND', exitCode: 1 });
  });
});
