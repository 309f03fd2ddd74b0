// stub
import type { Item } from '../domain/index.ts';
export function toItem(_json: Readonly<Record<string, unknown>>): Item {
  throw new Error('not yet');
}
export function fillToolOutputs(_output: readonly Item[], _laterInput: readonly Item[]): Item[] {
  throw new Error('not yet');
}
export function countNewItems(
  _input: readonly Item[],
  _previousInput: readonly Item[],
  _previousOutput: readonly Item[],
): number {
  throw new Error('not yet');
}
