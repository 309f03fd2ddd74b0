// `tapes tail` for people: one line an event, cut to the terminal.
import type { TailEvent } from '../../app/tail-events.ts';
import type { Item } from '../../domain/index.ts';
import type { Page } from './page.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { cutToWidth } from './text-width.ts';
import { paintStatus, sayClock, sayDuration, sayPlural, sayUsage } from './words.ts';

// In a pipe there is no width; a line is a glance all the same.
const plainWidth = 160;

/** Null: an item with nothing to read in it. */
export function renderTailLine(event: TailEvent, { paint, width }: Page): string | null {
  const said = describe(event, paint);
  if (said === null) return null;
  const agent = event.isSubThread && event.agentName !== null ? ` ${safeLine(event.agentName)}` : '';
  const head = `${sayClock(event.at)}  ${safeLine(event.shortSessionId)}${agent}  `;
  const room = Math.max(20, (width ?? plainWidth) - head.length);
  return paint.dim(head) + said.paint(cutToWidth(said.text, room));
}

interface Said {
  readonly text: string;
  readonly paint: (text: string) => string;
}

function describe(event: TailEvent, paint: Paint): Said | null {
  switch (event.type) {
    case 'turnStarted':
      return event.prompt === null ? null : { text: `› ${safeLine(event.prompt)}`, paint: paint.bold };
    case 'toolOutput':
      return { text: `└ ${safeLine(event.item.output ?? '')}`, paint: paint.dim };
    case 'callStarted':
      return { text: `→ ${sayStart(event)}`, paint: paint.dim };
    case 'output':
      return describeItem(event.item, paint);
    case 'callEnded':
      return {
        text: `← ${sayEnd(event)}`,
        paint: event.status === 'completed' ? paint.dim : (line) => paintStatus(paint, line, event.status),
      };
  }
}

function sayStart(event: Extract<TailEvent, { type: 'callStarted' }>): string {
  return [
    safeLine(event.shortCallId),
    ...(event.kind === 'turn' ? [] : [safeLine(event.kind)]),
    safeLine(event.model ?? 'unknown model'),
    `${sayPlural(event.inputItems, 'item')}, ${event.newItems} new`,
    ...(event.attempt === 1 ? [] : [`attempt ${event.attempt}`]),
  ].join(' · ');
}

/** What matters most goes first, because a line may be cut. */
function sayEnd(event: Extract<TailEvent, { type: 'callEnded' }>): string {
  const { error, usage, ttftMs, durationMs, status } = event;
  const failure = error === null ? status : `${status}: ${safeLine(`${error.code} ${error.message}`)}`;
  return [
    `${safeLine(event.shortCallId)}${status === 'completed' ? '' : ` ${failure}`}`,
    ...(durationMs === null ? [] : [sayDuration(durationMs)]),
    ...(usage === null ? [] : [sayUsage(usage)]),
    ...(ttftMs === null ? [] : [`ttft ${sayDuration(ttftMs)}`]),
  ].join(' · ');
}

function describeItem(item: Item, paint: Paint): Said | null {
  const text = safeLine(item.text ?? '');
  switch (item.type) {
    case 'message':
      return text === '' ? null : { text, paint: (line) => line };
    case 'reasoning':
      return text === '' ? null : { text, paint: (line) => paint.dim(paint.italic(line)) };
    case 'compaction':
    case 'compaction_summary':
      return { text: '(the conversation so far was replaced by a summary)', paint: paint.dim };
    default: {
      const given = safeLine(item.arguments ?? item.text ?? '');
      return { text: `● ${safeLine(item.name ?? item.type)} ${given}`.trimEnd(), paint: paint.green };
    }
  }
}
