// `tapes stats` for people: a few lines of sums, then tables by model, day and session, rate limits and storage. It fits 80 columns.
import type { SessionSums, Stats } from '../../app/read-stats.ts';
import type { CallStatus, RateLimitWindow } from '../../domain/index.ts';
import type { Page } from './page.ts';
import { safeLine } from './safe-text.ts';
import type { Column } from './table.ts';
import { renderTable } from './table.ts';
import { cutToWidth, wrapText } from './text-width.ts';
import { paintStatus, sayClock, sayCount, sayDay, sayDuration, sayPlural, sayUsd, sayWhen } from './words.ts';

type Sums = Stats['byModel'][number] | Stats['byDay'][number] | SessionSums;

const longestModel = 22;

export function renderStats(stats: Stats, page: Page): string {
  const { paint, width } = page;
  const table = <Row extends Sums>(rows: readonly Row[], first: readonly Column<Row>[], last: readonly Column<Row>[]) =>
    renderTable(rows, [...first, ...sumColumns<Row>(), ...last], paint, width);
  return [
    renderSums(stats, page),
    table(stats.byModel, [{ title: 'MODEL', text: ({ model }) => sayModel(model) }], timeColumns()),
    table(stats.byDay, [{ title: 'DAY', text: ({ day }) => day }], timeColumns()),
    ...(stats.bySession.length === 0
      ? []
      : [
          table(
            stats.bySession,
            [{ title: 'SESSION', text: ({ shortId }) => safeLine(shortId), paint: (text) => paint.bold(text) }],
            [{ title: 'TITLE', text: ({ title }) => safeLine(title ?? '') }],
          ),
        ]),
    ...renderLimits(stats, page),
    renderStorage(stats, page),
  ].join('\n\n');
}

function renderSums(stats: Stats, { paint, width }: Page): string {
  const { usage, ttftMs } = stats;
  const besides = stats.byKind
    .filter(({ kind }) => kind !== 'turn')
    .map(({ kind, calls }) => sayPlural(calls, safeLine(kind)));
  const cached = stats.cachedShare === null ? '' : ` (${sayShare(stats.cachedShare)} cached)`;
  const reasoning = usage.reasoningTokens === 0 ? '' : ` (${sayCount(usage.reasoningTokens)} reasoning)`;
  const times = [
    ...(ttftMs === null
      ? []
      : [`first token after ${sayDuration(ttftMs.median)}, 9 of 10 within ${sayDuration(ttftMs.p90)}`]),
    ...(stats.outputTokensPerSecond === null ? [] : [`${stats.outputTokensPerSecond} tokens/s`]),
  ];
  const statuses = (Object.entries(stats.statuses) as [CallStatus, number][]).map(([status, calls]) =>
    paintStatus(paint, `${sayCount(calls)} ${status}`, status),
  );
  return [
    paint.bold(
      `${sayPlural(stats.sessions, 'session')} · ${sayPlural(stats.turns, 'turn')} · ${sayPlural(stats.calls, 'call')}`,
    ) + (besides.length === 0 ? '' : paint.dim(` (${besides.join(', ')} among them)`)),
    `${sayCount(usage.inputTokens)} tokens in${cached}, ${sayCount(usage.outputTokens)} out${reasoning}`,
    fit(`cost ${sayTotal(stats)}`, width),
    ...(times.length === 0 ? [] : [times.join(' · ')]),
    statuses.join(', '),
  ].join('\n');
}

/** "$3.20", or "$3.20 and what has no price: gpt-9" */
function sayTotal({ costUsd, knownCostUsd, unpricedModels }: Stats): string {
  if (costUsd !== null) return sayUsd(costUsd);
  if (unpricedModels.length === 0) return 'unknown: no usage was reported';
  const known = knownCostUsd === 0 ? '' : `${sayUsd(knownCostUsd)} and `;
  return `${known}no price for ${unpricedModels.map(sayModel).join(', ')}`;
}

function sumColumns<Row extends Sums>(): Column<Row>[] {
  return [
    { title: 'CALLS', align: 'right', text: ({ calls }) => sayCount(calls) },
    { title: 'IN', align: 'right', text: ({ usage }) => sayCount(usage.inputTokens) },
    {
      title: 'CACHED',
      align: 'right',
      text: ({ cachedShare }) => (cachedShare === null ? '–' : sayShare(cachedShare)),
    },
    { title: 'OUT', align: 'right', text: ({ usage }) => sayCount(usage.outputTokens) },
    // A plus sign: and what has no price.
    { title: 'COST', align: 'right', text: sayCell },
  ];
}

function timeColumns<Row extends Sums>(): Column<Row>[] {
  return [
    { title: 'TTFT', align: 'right', text: ({ ttftMs }) => (ttftMs === null ? '–' : sayDuration(ttftMs.median)) },
    {
      title: 'TOKENS/S',
      align: 'right',
      text: ({ outputTokensPerSecond: speed }) => (speed === null ? '–' : speed.toFixed(1)),
    },
  ];
}

function sayCell({ costUsd, knownCostUsd, unpricedModels }: Sums): string {
  if (costUsd !== null) return sayUsd(costUsd);
  return unpricedModels.length > 0 && knownCostUsd > 0 ? `${sayUsd(knownCostUsd)}+` : '–';
}

const sayModel = (model: string | null): string => cutToWidth(safeLine(model ?? 'unknown'), longestModel);

const sayShare = (share: number): string => `${Math.round(share * 100)} %`;

function renderLimits({ rateLimits }: Stats, { paint, now, width }: Page): string[] {
  if (rateLimits === null) return [];
  const { primary, secondary, credits } = rateLimits;
  const facts = [
    ...(primary === undefined ? [] : [sayWindow(primary, 'primary', now)]),
    ...(secondary === undefined ? [] : [sayWindow(secondary, 'secondary', now)]),
    ...(credits === undefined
      ? []
      : [
          `credits: ${Object.entries(credits)
            .map(([name, value]) => safeLine(`${name} ${value}`))
            .join(', ')}`,
        ]),
  ];
  return [
    [paint.dim(`RATE LIMITS, seen ${sayWhen(rateLimits.seenAt, now)}`), ...facts.map((fact) => fit(fact, width))].join(
      '\n',
    ),
  ];
}

/** primary, 5 h: 13 % used, resets 14:30:00 */
function sayWindow({ usedPercent, windowMinutes, resetsAt }: RateLimitWindow, name: string, now: number): string {
  const length = windowMinutes === null ? '' : `, ${sayWindowLength(windowMinutes)}`;
  const used = `${Math.round(usedPercent * 10) / 10} % used`;
  if (resetsAt === null) return `${name}${length}: ${used}`;
  if (Date.parse(resetsAt) <= now) return `${name}${length}: ${used} then, reset since`;
  const isToday = sayDay(resetsAt) === sayDay(new Date(now).toISOString());
  return `${name}${length}: ${used}, resets ${isToday ? '' : `${sayDay(resetsAt)} `}${sayClock(resetsAt).slice(0, 5)}`;
}

function sayWindowLength(minutes: number): string {
  if (minutes % 1440 === 0) return sayPlural(minutes / 1440, 'day');
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

function renderStorage({ storage }: Stats, { paint }: Page): string {
  const { dbBytes, decodedRequestBytes, responseBytes } = storage;
  return [
    paint.dim('STORAGE, of all that is recorded'),
    `database ${saySize(dbBytes)}, for ${saySize(decodedRequestBytes)} of requests and ${saySize(responseBytes)} of responses`,
  ].join('\n');
}

const fit = (text: string, width: number | null): string => (width === null ? text : wrapText(text, width));

/** 310 kB, 4.2 MB, 21.5 GB */
function saySize(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  let size = bytes / 1000;
  let at = 0;
  for (; size >= 999.5 && at < units.length - 1; at++) size /= 1000;
  return `${size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${units[at]}`;
}
