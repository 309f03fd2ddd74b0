// What `tapes search` found: for people two or three lines each, the hit in bold; for programs plain text, with the places of hits.
import type { FoundEntry, Snippet } from '../../store/index.ts';
import type { Page } from './page.ts';
import type { Paint } from './paint.ts';
import { safeLine, safeText } from './safe-text.ts';
import { cutToWidth, wrapText } from './text-width.ts';
import { sayWhen } from './words.ts';

const margin = '    ';
// Marks that survive the breaking of lines; nothing else in the text is one, for they are taken out first.
const [hitStart, hitEnd] = ['\ufdd0', '\ufdd1'];

export function renderFound(found: readonly FoundEntry[], { paint, width, now }: Page): string {
  return found
    .map((entry) => `${renderPlace(entry, paint, now)}\n${renderSnippet(entry.snippet, paint, width)}`)
    .join('\n\n');
}

/** a1b2c3d4 · tool output · session 01a20768 · Mon 14:02 */
function renderPlace(entry: FoundEntry, paint: Paint, now: number): string {
  const facts = [sayKind(entry), `session ${safeLine(entry.shortSessionId)}`, sayWhen(entry.startedAt, now)];
  return `${paint.bold(safeLine(entry.shortCallId))}${paint.dim(` · ${facts.join(' · ')}`)}`;
}

function sayKind({ type, role }: FoundEntry): string {
  if (type === 'message') return role === 'user' ? 'prompt' : 'answer';
  if (type.endsWith('_output')) return 'tool output';
  if (type.endsWith('_call')) return 'tool call';
  return safeLine(type);
}

function renderSnippet(snippet: Snippet, paint: Paint, width: number | null): string {
  const marked = snippet
    .map(({ text, isHit }) => {
      const flat = safeText(text)
        .replaceAll(/[\ufdd0\ufdd1]/g, '')
        .replaceAll(/\s+/g, ' ');
      return isHit ? `${hitStart}${flat}${hitEnd}` : flat;
    })
    .join('')
    .trim();
  const lines = width === null ? [marked] : fitLines(marked, Math.max(20, width - margin.length));
  // A phrase may go on in the next line: each line is painted for itself.
  let isHit = false;
  return lines
    .map((line) => {
      const painted = line
        .split(/([\ufdd0\ufdd1])/)
        .map((part) => {
          if (part === hitStart || part === hitEnd) {
            isHit = part === hitStart;
            return '';
          }
          return isHit ? paint.bold(paint.green(part)) : part;
        })
        .join('');
      return `${margin}${painted}`;
    })
    .join('\n');
}

/** An excerpt is to be seen, not copied: a word that is longer than a line is cut. A hit that ends in it ends with it. */
function fitLines(marked: string, width: number): string[] {
  return wrapText(marked, width)
    .split('\n')
    .map((line) => {
      const cut = cutToWidth(line, width);
      return line.lastIndexOf(hitEnd) > cut.lastIndexOf(hitEnd) ? cut + hitEnd : cut;
    });
}

/** `hits`: [start, end) of each, in UTF-16 units of `snippet`. */
export function toFoundJson({ shortCallId: _call, shortSessionId: _session, snippet, ...entry }: FoundEntry): object {
  const hits: [number, number][] = [];
  let text = '';
  for (const piece of snippet) {
    if (piece.isHit) hits.push([text.length, text.length + piece.text.length]);
    text += piece.text;
  }
  const { startedAt, ...place } = entry;
  return { ...place, snippet: text, hits, startedAt };
}
