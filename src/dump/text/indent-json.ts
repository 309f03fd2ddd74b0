// JSON with line breaks and indentation, and nothing else changed: numbers, escapes and repeated names stay as they were.
// Read by hand: a regular expression for strings overflows its stack at some millions of characters.
import { readOutsideJson } from '../../domain/index.ts';

// A body may be nested as deep as it is long: lines that grow with the depth would take the square of it.
const deepestIndent = 40;

/** Null where the text is no JSON, or holds too many values. */
export function indentJson(text: string): string | null {
  if (readOutsideJson(text).type !== 'json') return null;
  const parts: string[] = [];
  let depth = 0;
  const newLine = (): void => void parts.push('\n', '  '.repeat(Math.min(depth, deepestIndent)));
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = endOfToken(text, at);
    const token = text.slice(at, end);
    if (/^\s/.test(token)) continue;
    if (token === '{' || token === '[') {
      parts.push(token);
      depth += 1;
      newLine();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      // An empty one stays on its line.
      if (parts.at(-3) === '{' || parts.at(-3) === '[') parts.splice(-2);
      else newLine();
      parts.push(token);
    } else if (token === ',') {
      parts.push(token);
      newLine();
    } else parts.push(token === ':' ? ': ' : token);
  }
  return parts.join('');
}

const structure = '[]{},:';
const blanks = ' \t\n\r';

/** Strings, structure, white space, and all other literals. The text is JSON. */
function endOfToken(text: string, at: number): number {
  const first = text[at]!;
  if (structure.includes(first)) return at + 1;
  if (first === '"') return endOfString(text, at);
  const isBlank = blanks.includes(first);
  let end = at + 1;
  while (end < text.length && (isBlank ? blanks.includes(text[end]!) : !`${structure}${blanks}"`.includes(text[end]!)))
    end += 1;
  return end;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; ;) {
    const end = text.indexOf('"', at);
    let escapes = end;
    while (text[escapes - 1] === '\\') escapes -= 1;
    if ((end - escapes) % 2 === 0) return end + 1;
    at = end + 1;
  }
}
