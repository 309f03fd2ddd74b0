// Parsing JSON that others wrote. 64 MB of `{},{},…` would become two gigabytes of objects, and end the process: what holds more values than
// anything that an agent or a provider says is not parsed.

/** Of values in one document. A conversation of 10 MB holds some 20,000. */
export const maxJsonValues = 1_000_000;

/** `none`: it is no JSON. */
export type OutsideJson =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'none' }
  | { readonly type: 'too-many-values' };

/** Never throws. */
export function readOutsideJson(text: string): OutsideJson {
  // A value takes a character and a comma: a short text cannot hold too many.
  if (text.length > 2 * maxJsonValues && countJsonValues(text) > maxJsonValues) return { type: 'too-many-values' };
  try {
    return { type: 'json', value: JSON.parse(text) };
  } catch {
    return { type: 'none' };
  }
}

const [quote, backslash, comma, colon, openList, openObject] = [0x22, 0x5c, 0x2c, 0x3a, 0x5b, 0x7b];

/** At least as many as there are: the signs outside of strings behind which a value stands. Of what is no JSON it says nothing. */
export function countJsonValues(text: string): number {
  let count = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
    } else if (code === comma || code === colon || code === openList || code === openObject) count += 1;
  }
  return count;
}

/** Where the quote is that ends the string which begins at `from`; the text's end where there is none. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ;) {
    const end = text.indexOf('"', at);
    if (end === -1) return text.length;
    let escapes = end;
    while (escapes > from + 1 && text.charCodeAt(escapes - 1) === backslash) escapes -= 1;
    if ((end - escapes) % 2 === 0) return end;
    at = end + 1;
  }
}
