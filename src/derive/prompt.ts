// stub
import type { InputItem } from './request.ts';
export function readPrompt(_items: readonly InputItem[], _turnId: string | null): string | null {
  throw new Error('not yet');
}
