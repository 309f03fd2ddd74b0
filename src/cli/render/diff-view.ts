// `tapes diff` for people: items and settings with what changed in them, then both answers side by side.
import type { ComparedCall, ShownDiff } from '../../app/diff-calls.ts';
import type { ContextPiece, ItemChange, SettingChange, TextChange, TextDiff } from '../../derive/index.ts';
import { describePiece, partNames } from './context-view.ts';
import type { Page } from './page.ts';
import type { Paint } from './paint.ts';
import { safeLine, safeText } from './safe-text.ts';
import { renderTable } from './table.ts';
import { cutToWidth, wrapText } from './text-width.ts';
import { sayBytes, sayDuration, sayPlural } from './words.ts';

const plainWidth = 80;
const shownChanges = 40;

const signs = { added: '+', removed: '-', changed: '~' } as const;

export function renderDiff(diff: ShownDiff, page: Page): string {
  const { before, after, items, keptItems, settings, clientMetadata, shortIds } = diff;
  const { paint } = page;
  const name = (call: ComparedCall): string => safeLine(shortIds.get(call.id) ?? call.id);
  const sessions = before.sessionId === after.sessionId ? [] : [paint.dim('Calls of two sessions')];
  const count = (type: ItemChange['type']): string => `${items.filter((item) => item.type === type).length} ${type}`;
  const sums = [`${keptItems} kept`, count('added'), count('removed'), count('changed')].join(', ');
  const left = items.length - shownChanges;
  return [
    [paint.bold(`Call ${name(before)} → call ${name(after)}`), ...sessions].join('\n'),
    [
      `${paint.bold('Items')}  ${sums}`,
      ...items.slice(0, shownChanges).map((item) => renderItemChange(item, page)),
      ...(left > 0 ? [paint.dim(`  … ${left} more (--json has all)`)] : []),
    ].join('\n'),
    [
      `${paint.bold('Settings')}  ${settings.length === 0 ? 'all alike' : sayPlural(settings.length, 'key')}`,
      ...settings.map((setting) => renderSetting(setting, page)),
      ...renderMetadata(clientMetadata, page),
    ].join('\n'),
    renderAnswers(diff, page),
  ].join('\n\n');
}

function renderItemChange({ type, before, after, diff }: ItemChange, page: Page): string {
  const piece = after ?? before;
  if (piece === null) return '';
  const line = `  ${signs[type]} ${describe(piece, type === 'changed' ? before : null)}`;
  const cut = cutToWidth(line, page.width ?? 160);
  return [paintChange(type, page.paint)(cut), ...renderText(diff, page)].join('\n');
}

function describe(piece: ContextPiece, old: ContextPiece | null): string {
  const place = old === null || old.index === piece.index ? `#${piece.index}` : `#${old.index} → #${piece.index}`;
  const size = old === null ? sayBytes(piece.sizeBytes) : `${sayBytes(old.sizeBytes)} → ${sayBytes(piece.sizeBytes)}`;
  const what = old === null ? `: ${describePiece(piece)}` : '';
  return `${place} ${partNames[piece.part]}, ${size}${what}`;
}

function renderSetting(setting: SettingChange, page: Page): string {
  const { type, key, before, after, beforeBytes, afterBytes, diff } = setting;
  const say = (json: string | null, sizeBytes: number | null): string =>
    sizeBytes === null ? 'not there' : safeLine(json ?? sayBytes(sizeBytes));
  const text = `  ${signs[type]} ${safeLine(key)}: ${say(before, beforeBytes)} → ${say(after, afterBytes)}`;
  const paint = paintChange(type, page.paint);
  const wrapped = page.width === null ? text : wrapText(text, page.width);
  return [...wrapped.split('\n').map(paint), ...renderText(diff, page)].join('\n');
}

function renderMetadata(keys: readonly string[], { paint, width }: Page): string[] {
  if (keys.length === 0) return [];
  const text = `  client_metadata, ${sayPlural(keys.length, 'key')}: ${keys.map(safeLine).join(', ')}`;
  return wrapText(text, width ?? plainWidth)
    .split('\n')
    .map((line) => paint.dim(line));
}

function paintChange(type: ItemChange['type'], paint: Paint): (text: string) => string {
  if (type === 'added') return paint.green;
  return type === 'removed' ? paint.red : paint.magenta;
}

function renderText(diff: TextDiff | null, page: Page): string[] {
  if (diff === null) return [];
  if (diff.unit === 'words') return renderWords(diff.changes, page);
  return diff.changes.map((change) => {
    const { paint, width } = page;
    if (change.type === 'skipped') return paint.dim(`      … ${sayPlural(change.count, 'line')}`);
    const sign = change.type === 'same' ? ' ' : change.type === 'added' ? '+' : '-';
    const line = cutToWidth(`    ${sign} ${safeText(change.text).replaceAll('\t', '  ')}`, width ?? 160);
    if (change.type === 'same') return paint.dim(line);
    return change.type === 'added' ? paint.green(line) : paint.red(line);
  });
}

/** As `git diff --word-diff` marks them: [-removed-]{+added+}. */
function renderWords(changes: readonly TextChange[], { paint, width }: Page): string[] {
  const words = changes.map((change) => {
    if (change.type === 'skipped') return '… ';
    const [, text = '', blank = ''] = /^([^]*?)(\s*)$/.exec(change.text) ?? [];
    if (change.type === 'same' || text === '') return change.text;
    return `${change.type === 'added' ? `{+${text}+}` : `[-${text}-]`}${blank}`;
  });
  const lines = wrapText(safeText(words.join('')), (width ?? plainWidth) - 6).split('\n');
  // Marks may go on over a line's end, so colours are set by line only where a mark is whole.
  return lines.map(
    (line) =>
      `      ${line.replace(/\[-.*?-\]/g, (mark) => paint.red(mark)).replace(/\{\+.*?\+\}/g, (mark) => paint.green(mark))}`,
  );
}

function renderAnswers({ before, after, isSameAnswer }: ShownDiff, { paint, width }: Page): string {
  const number = (value: number | undefined): string => (value === undefined ? '' : value.toLocaleString('en-US'));
  const time = (value: number | null): string => (value === null ? '' : sayDuration(value));
  const rows: readonly (readonly [string, (call: ComparedCall) => string])[] = [
    ['status', ({ status, error }) => (error === null ? status : safeLine(`${status}: ${error.code}`))],
    ['model', ({ model }) => safeLine(model ?? '')],
    ['input tokens', ({ usage }) => number(usage?.inputTokens)],
    ['cached', ({ usage }) => number(usage?.cachedInputTokens)],
    ['output tokens', ({ usage }) => number(usage?.outputTokens)],
    ['reasoning', ({ usage }) => number(usage?.reasoningTokens)],
    ['first token', ({ ttftMs }) => time(ttftMs)],
    ['duration', ({ durationMs }) => time(durationMs)],
    ['items', ({ outputTypes }) => safeLine(outputTypes.join(', '))],
  ];
  const table = renderTable(
    rows,
    [
      { title: '', text: ([label]) => label },
      { title: 'BEFORE', text: ([, say]) => say(before) },
      { title: 'AFTER', text: ([, say]) => say(after) },
    ],
    paint,
    width,
  );
  return `${paint.bold('Answers')}  ${isSameAnswer ? 'the same to a reader' : 'not the same'}\n${table}`;
}
