// Options that `tapes intercept` and `tapes proxy` share.
import { TapesError } from '../../errors.ts';

export function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new TapesError('E_PORT_INVALID', `--port ${value} is not a number from 0 to 65535`, {
    hint: 'run with --port 0 to pick a free one',
  });
}

/** Of an option that may be repeated. */
export const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];
