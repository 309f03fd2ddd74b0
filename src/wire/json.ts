// Looking at JSON that came from outside: nothing here throws, and nothing is trusted to have a shape.
import { readOutsideJson } from '../domain/index.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The object in this text, or null where there is none. */
export function parseRecord(text: string): JsonRecord | null {
  const read = readOutsideJson(text);
  return read.type === 'json' && isRecord(read.value) ? read.value : null;
}
