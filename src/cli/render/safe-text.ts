// Recorded text on a terminal: whatever a model, a tool or a provider sent, it must not move the cursor, rename the window or
// reverse the reading direction. Colours are left out, everything else that is not text is shown as a sign.

const escape = String.fromCodePoint(0x1b);
// SGR: colours and weights, which tools print all the time.
const colours = new RegExp(`${escape}\\[[\\d;:]*m`, 'g');
// All control characters but newline and tab, and what changes the reading direction or breaks a line unseen.
const controls = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/gu;

/** Text with its lines: newlines and tabs stay. */
export function safeText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(colours, '').replace(controls, signOf);
}

/** Text on one line. */
export function safeLine(text: string): string {
  return (
    safeText(text)
      // Each run of blanks once: a pattern that looks for a line end within it takes the square of its length.
      .replace(/\s+/g, (blanks) => (/[\n\t]/.test(blanks) ? ' ' : blanks))
      .trim()
  );
}

/** JSON that says the same and holds no such character: all of them are within strings, where each has an escape. */
export function safeJson(json: string): string {
  return json.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The control pictures of Unicode: ESC becomes ␛. */
function signOf(control: string): string {
  const code = control.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}
