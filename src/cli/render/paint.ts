// Colours: few, and readable on dark and light ground (no yellow, no white). Only on a terminal, never with NO_COLOR.

type Painter = (text: string) => string;

export interface Paint {
  readonly isColoured: boolean;
  readonly bold: Painter;
  readonly dim: Painter;
  readonly italic: Painter;
  readonly red: Painter;
  readonly magenta: Painter;
  readonly green: Painter;
  readonly cyan: Painter;
}

interface Terminal {
  readonly isTTY?: boolean;
}

/** https://no-color.org, and FORCE_COLOR as Node reads it; NO_COLOR is the stronger of the two. */
export function hasColour(stream: Terminal, environment: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: noColour, FORCE_COLOR: force, TERM: term } = environment;
  if (noColour) return false;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && term !== 'dumb';
}

export function openPaint(isColoured: boolean): Paint {
  const style = (open: number, close: number) => {
    return (text: string): string => (isColoured && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  };
  return {
    isColoured,
    bold: style(1, 22),
    dim: style(2, 22),
    italic: style(3, 23),
    red: style(31, 39),
    green: style(32, 39),
    magenta: style(35, 39),
    cyan: style(36, 39),
  };
}
