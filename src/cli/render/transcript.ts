// `tapes show` for people: a session read like a transcript. Prompt, reasoning, tools with their results, answer; under each call
// one dim line of what it cost and how long it took.
import type { Call, Item, Thread, Turn } from '../../domain/index.ts';
import type { ShownRecording } from '../../app/show-recording.ts';
import type { ListedSession, RecordedExchange } from '../../store/index.ts';
import { renderExchange } from './exchange.ts';
import type { Page } from './page.ts';
import { safeLine, safeText } from './safe-text.ts';
import { shortenText } from './shorten-text.ts';
import { widthOf, wrapText } from './text-width.ts';
import { paintStatus, sayClock, sayCount, sayDay, sayDuration, sayPlural, sayUsage, sayUsd } from './words.ts';

export interface TranscriptOptions {
  /** Long tool calls and results are shown whole. */
  readonly full: boolean;
}

interface Context extends Page, TranscriptOptions {
  readonly shortIds: ReadonlyMap<string, string>;
  readonly isRunning: boolean;
}

const plainWidth = 80;

export function renderTranscript(shown: ShownRecording, page: Page, options: TranscriptOptions): string {
  const { session, threads, exchange, shortIds } = shown;
  const context: Context = { ...page, ...options, shortIds, isRunning: session.status === 'streaming' };
  const isWhole = shown.asked.kind === 'session';
  return [
    renderHeader(session, context),
    ...threads.map((thread) => renderThread(thread, threads, isWhole, context)),
    ...(exchange === null ? [] : [renderExchangeOf(exchange, shown, context)]),
  ].join('\n\n');
}

function renderHeader(session: ListedSession, { paint }: Context): string {
  const facts = [
    safeLine([session.agent, session.agentVersion ?? ''].join(' ')),
    ...(session.cwd === null ? [] : [safeLine(session.cwd)]),
    `${sayDay(session.startedAt)} ${sayClock(session.startedAt).slice(0, 5)}`,
  ];
  const sums = [
    sayPlural(session.turns, 'turn'),
    sayPlural(session.calls, 'call'),
    ...(session.threads > 1 ? [sayPlural(session.threads, 'thread')] : []),
    `${sayCount(session.usage.totalTokens)} tokens`,
    ...sayCost(session),
    paintStatus(paint, session.status, session.status),
  ];
  return [
    `${paint.bold(`Session ${safeLine(session.id)}`)}${session.kind === 'title' ? paint.dim(' (title request)') : ''}`,
    ...(session.title === null ? [] : [safeLine(session.title)]),
    paint.dim(facts.join(' · ')),
    `${paint.dim(sums.slice(0, -1).join(' · '))}${paint.dim(' · ')}${sums.at(-1)}`,
  ].join('\n');
}

/** A part is not passed off as the whole: where a model has no price, it is named. */
function sayCost({ costUsd, unpricedModels = [] }: ListedSession): string[] {
  if (costUsd !== null) return [sayUsd(costUsd)];
  return unpricedModels.length === 0 ? [] : [`no price for ${safeLine(unpricedModels.join(', '))}`];
}

function renderThread(thread: Thread, threads: readonly Thread[], isWhole: boolean, context: Context): string {
  const fork = thread.forkedFromThreadId;
  const forked = fork === undefined ? null : `branch: forked from ${safeLine(fork)}`;
  const parts = thread.turns.map((turn, index) =>
    renderTurn(turn, isWhole ? index + 1 : null, context, isWhole && index === 0 ? forked : null),
  );
  if (thread.parentThreadId === null && threads.length === 1) return parts.join('\n\n');
  const name = thread.agentName ?? thread.id;
  const heading = context.paint.bold(safeLine(`Thread ${name}${sayParent(thread, threads)}`));
  return [heading, ...parts].join('\n\n');
}

/** A review calls itself by its parent's name, and is no sub-agent that somebody gave work to. */
function sayParent({ parentThreadId, turns }: Thread, threads: readonly Thread[]): string {
  if (parentThreadId === null) return '';
  const calls = turns.flatMap((turn) => turn.calls);
  if (calls.length > 0 && calls.every(({ kind }) => kind === 'review')) return ' · review';
  const parent = threads.find(({ id }) => id === parentThreadId);
  return ` · sub-agent of ${parent?.agentName ?? parentThreadId}`;
}

function renderTurn(turn: Turn, number: number | null, context: Context, mark: string | null = null): string {
  const { paint, width, shortIds } = context;
  const id = shortIds.get(turn.id) ?? turn.id;
  const name = turn.id.endsWith('.next')
    ? 'Before the next turn'
    : `Turn${number === null ? '' : ` ${number}`} · ${safeLine(id)}`;
  const time = [sayClock(turn.startedAt), ...(turn.durationMs === null ? [] : [sayDuration(turn.durationMs)])].join(
    ' · ',
  );
  const rule = '─'.repeat(Math.max(2, (width ?? plainWidth) - widthOf(name) - widthOf(time) - 8));
  const line = paint.dim(`── ${name} ${rule} ${time} ──`);
  const prompt = turn.prompt === null ? [] : [renderPrompt(turn.prompt, context)];
  // What a turn begins with stands above its prompt: it is behind this that it was said.
  const [first, ...rest] = turn.calls;
  const opening = mark ?? (first === undefined ? null : sayBranch(first, context));
  return [
    line,
    ...(opening === null ? [] : [renderMark(opening, context)]),
    ...prompt,
    ...(first === undefined ? [] : [renderCall(first, context)]),
    ...rest.flatMap((call) => {
      const branch = sayBranch(call, context);
      return [...(branch === null ? [] : [renderMark(branch, context)]), renderCall(call, context)];
    }),
  ].join('\n\n');
}

/** Where the conversation is not what it was in the call before. */
function sayBranch({ branch }: Call, { shortIds }: Context): string | null {
  if (branch === undefined) return null;
  const from = branch.fromCallId === null ? null : safeLine(shortIds.get(branch.fromCallId) ?? branch.fromCallId);
  if (branch.reason === 'compaction') return `branch: goes on from the summary of ${from ?? 'an earlier call'}`;
  if (from === null) return 'branch: begins anew, without what was said before';
  return `branch: goes on from ${from}, without what was said after it`;
}

function renderMark(text: string, { paint }: Context): string {
  return `  ${paint.cyan(`↳ ${text}`)}`;
}

function renderPrompt(prompt: string, context: Context): string {
  const lines = flow(prompt.trim(), 2, context).split('\n');
  return lines.map((line, at) => `${context.paint.cyan(at === 0 ? '› ' : '  ')}${context.paint.bold(line)}`).join('\n');
}

function renderCall(call: Call, context: Context): string {
  const items = call.output.map((item) => renderItem(item, context)).filter((text) => text !== '');
  return [...items, renderCallLine(call, context)].join('\n\n');
}

/** a1b2c3d4 · gpt-6.1-sol · 14.1k in (9.0k cached), 120 out · ttft 712 ms, 2.9 s: at most 80 columns as a rule */
function renderCallLine(call: Call, { paint, shortIds, width }: Context): string {
  const facts = [
    safeLine(shortIds.get(call.id) ?? call.id),
    ...(call.kind === 'turn' ? [] : [safeLine(call.kind)]),
    safeLine(call.model ?? 'unknown model'),
    ...(call.usage === null ? [] : [sayUsage(call.usage)]),
    ...sayTimes(call),
    ...(call.attempt === 1 ? [] : [`attempt ${call.attempt}`]),
  ];
  const line = joinFacts(facts, width);
  if (call.status === 'completed') return paint.dim(line);
  const error = call.error === null ? '' : `: ${safeLine(`${call.error.code} ${call.error.message}`)}`;
  const status = `${call.status}${error}`;
  const lastLine = line.slice(line.lastIndexOf('\n') + 1);
  if (width === null || widthOf(`${lastLine} · ${status}`) <= width) {
    return `${paint.dim(`${line} · `)}${paintStatus(paint, status, call.status)}`;
  }
  const below = indent(wrapText(status, width - 2), '  ', (text) => paintStatus(paint, text, call.status));
  return `${paint.dim(line)}\n${below}`;
}

/** Time to first token, and in all. */
function sayTimes({ ttftMs, durationMs }: Call): string[] {
  const times = [
    ...(ttftMs === null ? [] : [`ttft ${sayDuration(ttftMs)}`]),
    ...(durationMs === null ? [] : [sayDuration(durationMs)]),
  ];
  return times.length === 0 ? [] : [times.join(', ')];
}

/** On as many indented lines as it takes, broken between facts. */
function joinFacts(facts: readonly string[], width: number | null): string {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last === undefined || (width !== null && widthOf(`${last} · ${fact}`) > width)) lines.push(`  ${fact}`);
    else lines[lines.length - 1] = `${last} · ${fact}`;
  }
  return lines.join('\n');
}

function renderItem(item: Item, context: Context): string {
  switch (item.type) {
    case 'message':
      return item.text === undefined ? '' : flow(item.text.trim(), 0, context);
    case 'reasoning':
      return item.text
        ? indent(flow(item.text.trim(), 2, context), '  ', (line) => context.paint.dim(context.paint.italic(line)))
        : '';
    case 'compaction':
    case 'compaction_summary':
      return context.paint.dim('  (the conversation so far was replaced by a summary)');
    default:
      return renderTool(item, context);
  }
}

/** ● exec, what it was given, └ what came of it */
function renderTool(item: Item, context: Context): string {
  const { paint, full } = context;
  const name = item.name ?? item.type.replace(/_call$/, '');
  const given = item.arguments ?? item.text;
  const lines = [`${paint.green('●')} ${paint.bold(safeLine(name))}`];
  if (given !== undefined && given.trim() !== '') lines.push(indent(shorten(given, full, paint), '  '));
  if (item.output !== undefined)
    lines.push(indent(shorten(item.output, full, paint), '    ').replace('    ', `  ${paint.dim('└')} `));
  else if (item.callId !== undefined)
    lines.push(paint.dim(context.isRunning ? '  └ (no result yet)' : '  └ (no result recorded)'));
  return lines.join('\n');
}

function shorten(text: string, full: boolean, paint: Context['paint']): string {
  const safe = safeText(text).trimEnd();
  if (full) return safe;
  const { shown, left } = shortenText(safe);
  return left === null ? shown : `${shown}\n${paint.dim(`… ${left} more (--full shows all)`)}`;
}

function flow(text: string, margin: number, { width }: Context): string {
  const safe = safeText(text);
  return width === null ? safe : wrapText(safe, Math.max(20, width - margin));
}

function indent(text: string, by: string, paint: (line: string) => string = (line) => line): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + paint(line)))
    .join('\n');
}

function renderExchangeOf(exchange: RecordedExchange, { asked, shortIds }: ShownRecording, { paint }: Context): string {
  return renderExchange(exchange, shortIds.get(asked.id) ?? asked.id, paint);
}
