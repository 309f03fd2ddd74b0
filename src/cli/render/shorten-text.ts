// Long tool calls and results, cut to what fits a glance.

const maxLines = 12;
const maxCharacters = 1000;

/** `left`: how much is not shown ("31 lines", "12,345 characters"); null where all of it is. */
export function shortenText(text: string): { readonly shown: string; readonly left: string | null } {
  const lines = text.split('\n');
  const head = lines.length > maxLines ? lines.slice(0, maxLines - 2) : lines;
  const shown = head.join('\n');
  if (shown.length <= maxCharacters) {
    const left = lines.length - head.length;
    return { shown, left: left === 0 ? null : `${left.toLocaleString('en-US')} lines` };
  }
  // Not between the two halves of a character outside the first plane.
  const cut = shown.slice(0, maxCharacters).replace(/[\ud800-\udbff]$/, '');
  return { shown: cut, left: `${(text.length - cut.length).toLocaleString('en-US')} characters` };
}
