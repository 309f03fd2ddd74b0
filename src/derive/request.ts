// stub
import type { Item } from '../domain/index.ts';
export interface InputItem {
  readonly json: Readonly<Record<string, unknown>>;
  readonly item: Item;
}
export interface RequestReading {
  readonly json: Readonly<Record<string, unknown>> | null;
  readonly model: string | null;
  readonly stream: boolean | null;
  readonly previousResponseId: string | null;
  readonly inputItems: readonly InputItem[];
  readonly promptCacheKey: string | null;
}
export function readRequestBody(_text: string): RequestReading {
  throw new Error('not yet');
}
export function retryKey(_reading: RequestReading): string {
  throw new Error('not yet');
}
export function isCallRequest(_method: string, _path: string): boolean {
  throw new Error('not yet');
}
