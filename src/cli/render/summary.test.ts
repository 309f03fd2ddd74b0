import { expect, it } from 'vitest';

import { noUsage } from '../../domain/index.ts';
import { renderLosses, renderSummary } from './summary.ts';

const report = {
  calls: 3,
  turns: 2,
  backgroundCalls: 0,
  sessions: [{ id: '01a20768-c76b', shortId: '01a20768' }],
  usage: { ...noUsage, totalTokens: 14_210 },
  exchanges: 20,
  dropped: 0,
  problems: [],
};

it('names the session, the tokens and the next command', () => {
  expect(renderSummary(report)).toEqual([
    'recorded 3 calls in 2 turns of session 01a20768…, 14.2k tokens · tapes show 01a20768',
  ]);
});

it('counts one as one, several sessions as such, and leaves out what is not known', () => {
  const sessions = [
    { id: 'a', shortId: 'a' },
    { id: 'b', shortId: 'b' },
  ];
  expect(renderSummary({ ...report, calls: 1, turns: 1, usage: noUsage, sessions })).toEqual([
    'recorded 1 call in 1 turn of 2 sessions · tapes show b',
  ]);
});

it('says so where no call was seen', () => {
  expect(renderSummary({ ...report, calls: 0 })).toEqual(['recorded no calls: only 20 other exchanges']);
  expect(renderSummary({ ...report, calls: 0, exchanges: 0 })).toEqual([
    'recorded no calls: nothing was sent to an intercepted host',
  ]);
});

it('does not claim to have recorded where something was lost', () => {
  const lines = renderSummary({ ...report, dropped: 12, problems: ['the database is locked: 12 events lost'] });
  expect(lines[0]).toMatch(/^saw 3 calls/);
  expect(lines[1]).toBe('the database is locked: 12 events lost');
  expect(renderSummary({ ...report, calls: 0, exchanges: 0, dropped: 12 })).toEqual([
    'recorded no calls: what was sent is lost',
  ]);
});

it('tells what was lost in any case, and nothing else', () => {
  const problems = ['the database is locked: 12 events lost'];
  expect(renderLosses({ dropped: 12, problems })).toEqual(problems);
  expect(renderLosses({ dropped: 0, problems: ['the folder is shared'] })).toEqual([]);
});
