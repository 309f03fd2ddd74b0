import { readdirSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { countNewItems, fillToolOutputs, readRequestBody, retryKey, toItem } from '../../src/derive/index.ts';
import type { Item } from '../../src/domain/index.ts';
import { chunkings } from '../support/chunks.ts';
import { deriveCase, readCase } from './read-case.ts';
import type { CorpusCase } from './read-case.ts';

const root = new URL('./codex/', import.meta.url);
const names = readdirSync(root).sort();

function openCase(name: string): CorpusCase {
  return readCase(new URL(`${name}/`, root));
}

function inputOf(name: string): Item[] {
  return readRequestBody(openCase(name).requestText).inputItems.map(({ item }) => item);
}

function outputOf(name: string): Item[] {
  const data = openCase(name).answer.toString().match(/(?<=^data: ).*output_item\.done.*$/gm) ?? [];
  return data.map((text) => toItem((JSON.parse(text) as { item: Record<string, unknown> }).item));
}

it('has the cases that matter', () => expect(names.length).toBeGreaterThanOrEqual(19));

describe.each(names)('%s', (name) => {
  it('is derived as expected, however its answer is cut', () => {
    const recorded = openCase(name);
    for (const { name: chunking, chunks } of chunkings(recorded.answer)) {
      expect(deriveCase(recorded, chunks), `with ${chunking}`).toEqual(recorded.expected);
    }
  });
});

describe('calls that follow each other', () => {
  it('have only the tool output new, after the answer that asked for it', () => {
    expect(countNewItems(inputOf('tool-call-second-call'), inputOf('first-call'), outputOf('first-call'))).toBe(1);
  });

  it('have only the new prompt new after a resume', () => {
    const previous = [inputOf('tool-call-second-call'), outputOf('tool-call-second-call')] as const;
    expect(countNewItems(inputOf('resumed-session'), ...previous)).toBe(1);
  });

  it('have only the trigger new in a compaction, and nothing new when it is tried again', () => {
    const second = inputOf('tool-call-second-call');
    expect(countNewItems(inputOf('compaction'), second, [])).toBe(1);
    expect(countNewItems(second, second, [])).toBe(0);
  });

  it('are all new but the compaction itself after one', () => {
    const input = inputOf('after-compaction');
    expect(countNewItems(input, inputOf('compaction'), outputOf('compaction'))).toBe(input.length - 1);
  });

  it('give the tool call its result', () => {
    const [, call] = fillToolOutputs(outputOf('first-call'), inputOf('tool-call-second-call'));
    expect(call).toMatchObject({ name: 'exec', output: expect.stringContaining('{"exit_code":0') as unknown });
  });

  it('are retries of each other where only client_metadata and key order differ', () => {
    const text = openCase('first-call').requestText;
    const { client_metadata: metadata, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const again = JSON.stringify(Object.fromEntries([['client_metadata', { other: metadata }], ...Object.entries(rest).reverse()]));
    expect(retryKey(readRequestBody(again))).toBe(retryKey(readRequestBody(text)));
    expect(retryKey(readRequestBody(openCase('tool-call-second-call').requestText))).not.toBe(retryKey(readRequestBody(text)));
  });
});
