// One output item while it streams: what `output_item.added` began, and the texts that deltas appended since.
// Used only where the stream stopped before the item was done.
import { isRecord } from './json.ts';
import type { JsonRecord } from './json.ts';

/** Which list of an item a text belongs to, and the part type it gets there. */
export type PartList = 'content' | 'summary';

interface Part {
  base: JsonRecord;
  /** The field that deltas append to: `text` or `refusal`. */
  field: string;
  text: string;
}

export class PartialItem {
  readonly #lists: Record<PartList, Map<number, Part>> = { content: new Map(), summary: new Map() };
  readonly #fields = new Map<string, string>();
  #base: JsonRecord | null = null;
  #inferredType = '';
  #inferredId: string | null = null;

  begin(item: JsonRecord): void {
    this.#base = item;
  }

  /** Deltas came without an `added`: their kind tells the item's type. */
  infer(type: string, id: string | null): void {
    if (this.#inferredType === '') this.#inferredType = type;
    this.#inferredId ??= id;
  }

  setPart(list: PartList, index: number, part: JsonRecord): void {
    const field = typeof part['refusal'] === 'string' ? 'refusal' : 'text';
    const text = part[field];
    this.#lists[list].set(index, { base: part, field, text: typeof text === 'string' ? text : '' });
  }

  appendPart(list: PartList, index: number, partType: string, delta: string): void {
    this.#part(list, index, partType).text += delta;
  }

  finishPart(list: PartList, index: number, partType: string, text: string): void {
    this.#part(list, index, partType).text = text;
  }

  append(field: string, delta: string): void {
    this.#fields.set(field, (this.#fields.get(field) ?? '') + delta);
  }

  finish(field: string, text: string): void {
    this.#fields.set(field, text);
  }

  /** The item as far as it is known. */
  json(): JsonRecord {
    const base = this.#base ?? this.#inferred();
    const lists = (['content', 'summary'] as const)
      .filter((list) => this.#lists[list].size > 0)
      .map((list) => [list, this.#joined(list, base[list])] as const);
    return { ...base, ...Object.fromEntries(lists), ...Object.fromEntries(this.#fields) };
  }

  #inferred(): JsonRecord {
    return {
      ...(this.#inferredId === null ? {} : { id: this.#inferredId }),
      type: this.#inferredType,
      ...(this.#inferredType === 'message' ? { role: 'assistant' } : {}),
    };
  }

  #part(list: PartList, index: number, partType: string): Part {
    const known = this.#lists[list].get(index);
    if (known !== undefined) {
      // `content_part.added` may come with the empty field of another kind, or with none.
      if (known.text === '') known.field = partType === 'refusal' ? 'refusal' : 'text';
      return known;
    }
    const part = { base: { type: partType }, field: partType === 'refusal' ? 'refusal' : 'text', text: '' };
    this.#lists[list].set(index, part);
    return part;
  }

  #joined(list: PartList, begun: unknown): JsonRecord[] {
    const parts = new Map<number, JsonRecord>();
    if (Array.isArray(begun)) {
      for (const [index, part] of begun.entries()) if (isRecord(part)) parts.set(index, part);
    }
    for (const [index, { base, field, text }] of this.#lists[list]) parts.set(index, { ...base, [field]: text });
    return [...parts.entries()].sort(([a], [b]) => a - b).map(([, part]) => part);
  }
}
