// `tapes context` for people: what fills the context as bars, its largest items, and where it parts from the call before.
import type { JudgedPiece, PreviousCall, ShownContext } from '../../app/read-context.ts';
import type { CallFacts } from '../../app/read-request.ts';
import type { ContextPart, ContextPiece, ItemState, PartShare } from '../../derive/index.ts';
import type { Page } from './page.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { renderTable } from './table.ts';
import { cutToWidth, wrapText } from './text-width.ts';
import { sayBytes, sayPlural, sayUsage } from './words.ts';

const plainWidth = 80;
const barWidth = 30;
const shownNewItems = 12;

export const partNames: Readonly<Record<ContextPart, string>> = {
  instructions: 'instructions',
  tools: 'tools',
  user: 'user',
  assistant: 'assistant',
  toolCalls: 'tool calls',
  toolOutputs: 'tool outputs',
  reasoning: 'reasoning',
  images: 'images',
  compaction: 'compaction',
  other: 'other',
  settings: 'settings',
};

const relations: Readonly<Record<PreviousCall['relation'], string>> = {
  thread: 'the call before',
  parentThread: "the parent thread's newest call",
  forkedFrom: 'the newest call of the session it was forked from',
};

const stateSigns: Readonly<Record<ItemState, string>> = { kept: '', changed: 'changed', answer: 'answer', new: 'new' };

export function renderContext(context: ShownContext, page: Page): string {
  const { call, bodyBytes, parts, largest, previous, previousResponseId, shortIds } = context;
  const { paint } = page;
  const facts = [
    safeLine(call.model ?? 'unknown model'),
    ...(call.kind === 'turn' ? [] : [safeLine(call.kind)]),
    sayBytes(bodyBytes),
    sayPlural(call.inputItems, 'item'),
    ...(call.usage === null ? [] : [sayUsage(call.usage)]),
  ];
  const incremental =
    previousResponseId === null
      ? []
      : [say(`This request sends only what is new: it goes on from response ${previousResponseId}.`, page)];
  return [
    `${paint.bold(`Context of call ${shortOf(call, shortIds)}`)}\n${paint.dim(facts.join(' · '))}`,
    ...incremental,
    renderParts(parts, page),
    `${paint.bold('Largest')}\n${renderPieces(largest, page)}`,
    previous === null
      ? say('There is no call before it to compare with, or none that can be read.', page)
      : renderPrevious(context, previous, page),
  ].join('\n\n');
}

function renderParts(parts: readonly PartShare[], { paint, width }: Page): string {
  const shown = parts.filter(({ sizeBytes }) => sizeBytes > 0);
  const most = Math.max(...shown.map(({ share }) => share));
  return renderTable(
    shown,
    [
      { title: 'PART', text: ({ part }) => partNames[part] },
      { title: 'BYTES', align: 'right', text: ({ sizeBytes }) => sizeBytes.toLocaleString('en-US') },
      { title: 'SHARE', align: 'right', text: ({ share }) => sayShare(share) },
      { title: 'COUNT', align: 'right', text: ({ count }) => String(count) },
      { title: '', text: ({ share }) => bar(share / most), paint: (text) => paint.cyan(text) },
    ],
    paint,
    width,
  );
}

/** Eighths of a column, and never nothing for something. */
function bar(part: number): string {
  const eighths = Math.max(1, Math.round(part * barWidth * 8));
  const rest = eighths % 8;
  return (
    '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : (['▏', '▎', '▍', '▌', '▋', '▊', '▉'][rest - 1] ?? ''))
  );
}

function renderPieces(pieces: readonly JudgedPiece[], { paint, width }: Page): string {
  return renderTable(
    pieces,
    [
      { title: '#', align: 'right', text: ({ index }) => (index === null ? '' : String(index)) },
      { title: 'BYTES', align: 'right', text: ({ sizeBytes }) => sizeBytes.toLocaleString('en-US') },
      { title: 'PART', text: ({ part, index }) => (index === null ? `${partNames[part]} (key)` : partNames[part]) },
      {
        title: '',
        text: ({ state }) => (state === null ? '' : stateSigns[state]),
        paint: (text, { state }) => (state === 'changed' ? paint.magenta(text) : paint.green(text)),
      },
      { title: 'WHAT', text: describePiece },
    ],
    paint,
    width,
  );
}

export function describePiece({ name, preview, type }: ContextPiece): string {
  const text = preview === '' ? type : preview;
  return safeLine(name === undefined ? text : `${name} ${preview}`);
}

function renderPrevious(context: ShownContext, previous: PreviousCall, page: Page): string {
  const { paint } = page;
  const other = shortOf(previous.call, context.shortIds);
  const where = relations[previous.relation];
  return [
    paint.bold(`Against ${where}, ${other}`),
    renderNews(context.pieces, previous, page),
    say(`${sayPrefix(context, previous)}.`, page, (line) => (isKept(previous) ? line : paint.magenta(line))),
    ...(previous.settingsChanged.length === 0
      ? []
      : [say(`Settings that say something else: ${previous.settingsChanged.map(safeLine).join(', ')}.`, page)]),
    `${sayCached('Cached there', previous.call, paint)}\n${sayCached('Cached here', context.call, paint)}`,
  ].join('\n');
}

function renderNews(pieces: readonly JudgedPiece[], previous: PreviousCall, page: Page): string {
  const { paint, width } = page;
  const line = (sign: string, { index, part, sizeBytes, ...piece }: ContextPiece): string => {
    const text = `  ${sign} #${index ?? ''} ${partNames[part]}, ${sayBytes(sizeBytes)}: ${describePiece({ index, part, sizeBytes, ...piece })}`;
    return cutToWidth(text, width ?? 160);
  };
  const all = [
    ...previous.removedItems.map((piece) => paint.red(line('-', piece))),
    ...pieces.filter(({ state }) => state === 'changed').map((piece) => paint.magenta(line('~', piece))),
    ...pieces.filter(({ state }) => state === 'new').map((piece) => paint.green(line('+', piece))),
  ];
  const count = (state: ItemState): number => pieces.filter((piece) => piece.state === state).length;
  const sums = [
    `${count('new')} new`,
    `${count('answer')} from that call's answer`,
    ...(count('changed') === 0 ? [] : [`${count('changed')} changed`]),
    ...(previous.removedItems.length === 0 ? [] : [`${previous.removedItems.length} gone`]),
    `${count('kept')} kept`,
  ];
  const left = all.length - shownNewItems;
  return [
    `Items, to a reader: ${sums.join(', ')}.`,
    ...all.slice(0, shownNewItems),
    ...(left > 0 ? [paint.dim(`  … ${left} more (--json has all)`)] : []),
  ].join('\n');
}

const isKept = ({ change }: PreviousCall): boolean =>
  change === 'none' || change === 'appended' || change === 'continued';

/** One sentence, without its full stop. */
function sayPrefix({ bodyBytes }: ShownContext, previous: PreviousCall): string {
  const { change, sharedBytes, differsAt, sharedItems, sharedItemBytes, isSameToReader } = previous;
  if (differsAt === null) return 'Exact bytes: the same body once more';
  const shared = `Exact bytes: ${sharedBytes.toLocaleString('en-US')} of ${bodyBytes.toLocaleString('en-US')} begin alike (${sayShare(sharedBytes / Math.max(1, bodyBytes))})`;
  const place =
    differsAt.item === null
      ? differsAt.key === null
        ? 'behind all keys'
        : `in ${safeLine(differsAt.key)}`
      : `at input item #${differsAt.item}`;
  const items =
    sharedItems === 0 ? 'no equal item' : `${sayPlural(sharedItems, 'equal item')} (${sayBytes(sharedItemBytes)})`;
  const changed = isSameToReader === true ? 'an item changed its bytes, not what it says' : 'an item changed';
  const reasons: Readonly<Record<PreviousCall['change'], string>> = {
    none: `the first difference is ${place}, and no item or setting says anything else`,
    appended: `the prefix holds: ${items}, then new ones`,
    itemChanged: `the prefix ends ${place}: ${changed}, behind ${items}`,
    itemRemoved: `the prefix ends ${place}: an item was removed, behind ${items}`,
    itemInserted: `the prefix ends ${place}: an item was inserted, behind ${items}`,
    settingsChanged: `the prefix ends ${place}: a setting changed`,
    compaction: `the prefix ends ${place}: the conversation was compacted, behind ${items}`,
    continued: 'only new items are sent, and the provider holds the rest',
    resent: 'the whole conversation is sent again, after calls that sent only what was new',
    unreadable: 'one of the two bodies is no JSON object',
  };
  return `${shared}; ${reasons[change]}`;
}

function sayCached(label: string, { usage }: CallFacts, paint: Paint): string {
  const text = label.padEnd('Cached there'.length);
  if (usage === null) return `${text}  ${paint.dim('the provider reported no usage')}`;
  const { cachedInputTokens: cached, inputTokens } = usage;
  const share = inputTokens === 0 ? '' : ` (${sayShare(cached / inputTokens)})`;
  return `${text}  ${cached.toLocaleString('en-US')} of ${inputTokens.toLocaleString('en-US')} input tokens${share}`;
}

const sayShare = (share: number): string => `${(share * 100).toFixed(1)} %`;

const shortOf = ({ id }: CallFacts, shortIds: ReadonlyMap<string, string>): string => safeLine(shortIds.get(id) ?? id);

function say(sentence: string, { width }: Page, paint: (line: string) => string = (line) => line): string {
  return wrapText(safeLine(sentence), width ?? plainWidth)
    .split('\n')
    .map(paint)
    .join('\n');
}
