// JSON with line breaks and indentation, and nothing else changed: numbers, escapes and repeated names stay as they were.

/** Null where the text is no JSON. */
export function indentJson(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const parts: string[] = [];
  let depth = 0;
  const newLine = (): void => void parts.push('\n', '  '.repeat(depth));
  // Strings, structure, white space, and all other literals.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|\s+|[^\s"[\]{},:]+/g)) {
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
