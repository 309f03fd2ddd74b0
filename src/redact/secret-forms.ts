// The spellings in which one secret value turns up: as it is, escaped in JSON (once or twice, in the ways of several encoders), percent-encoded, in base64,
// in UTF-16.
// And which values are too ordinary to be searched for everywhere.

/** Below this a value is too short to be masked wherever it turns up. */
export const minSecretLength = 8;

/** Base64 cores shorter than this would match by chance. */
const minBase64Core = 12;

/** All spellings, the value itself first, without repeats. */
export function secretForms(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const escapedTwice = JSON.stringify(escaped).slice(1, -1);
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const percent = percentEncoded(value);
  const forms = [
    value,
    escaped,
    escapedTwice,
    ascii,
    escaped.replaceAll('/', '\\/'),
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
    percent.replaceAll('%20', '+'),
    ...unicodeEscaped(escaped),
    ...base64Cores(value),
    // In UTF-16, either way round.
    value.split('').join('\0'),
  ];
  return [...new Set(forms)];
}

/** What JSON encoders escape beyond need: .NET `+` and what means something in HTML, others all signs, or all there is. */
function unicodeEscaped(escaped: string): string[] {
  const escape = (pattern: RegExp, isUpper: boolean): string =>
    escaped.replace(pattern, (character) => {
      const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${isUpper ? hex.toUpperCase() : hex}`;
    });
  // What is escaped already stays as it is.
  if (escaped.includes('\\')) return [];
  return [/[<>&'+`]/g, /[^A-Za-z0-9]/g, /[^]/g].flatMap((pattern) => [escape(pattern, false), escape(pattern, true)]);
}

/** Not worth hiding, and harmful to: masking it everywhere would blot out ordinary text. */
export function isOrdinary(value: string): boolean {
  if (value.length < minSecretLength) return true;
  // One plain word ("anonymous", "undefined"), a number or a time, or one character over and over.
  return /^[A-Za-z]{1,11}$/.test(value) || /^[\d.:TZ+-]{1,31}$/.test(value) || new Set(value).size < 4;
}

/** The stricter measure for values that are seldom secret, as most cookies are: words and paths are left alone. */
export function isOrdinaryCookie(value: string): boolean {
  if (isOrdinary(value)) return true;
  const isWords = /^[A-Za-z]+([-_. /][A-Za-z]+)*$/.test(value);
  // An id may be the session's own, which must stay readable.
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  return isWords || isId || /^https?:\/\/[^?#@]*$/.test(value);
}

function percentEncoded(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // A lone surrogate has no percent form.
    return value;
  }
}

/**
 * Base64 of a text around the secret (`user:secret`) shows it in one of three alignments; at the ends a character depends on
 * the neighbours too, so only the core is searched. The first is the secret's own base64, whole.
 */
function base64Cores(value: string): string[] {
  const bytes = Buffer.from(value);
  const cores = [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const start = Math.ceil((shift * 4) / 3);
    const end = Math.floor(((shift + bytes.length) * 4) / 3);
    return shift === 0 ? [encoded, encoded.slice(start, end)] : [encoded.slice(start, end)];
  });
  const urlCores = cores.map((core) => core.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''));
  return [...cores, ...urlCores].filter((core) => core.length >= minBase64Core);
}
