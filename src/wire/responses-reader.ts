// A state machine over the events of one Responses answer, the same for SSE and for WebSocket messages (one JSON object each).
// It never throws: junk is skipped, unknown types are kept by name, and what deltas said of an unfinished item is kept.
import type { CallError, Usage } from '../domain/index.ts';
import { countJsonValues, readOutsideJson } from '../domain/index.ts';
import { readError, readUsage, sayEvents } from './answer.ts';
import type { Answer, AnswerItem } from './answer.ts';
import { isRecord, numberOf, stringOf } from './json.ts';
import type { JsonRecord } from './json.ts';
import { PartialItem } from './partial-item.ts';
import type { PartList } from './partial-item.ts';
import { isProgress, partLists, textTargets } from './response-events.ts';
import type { TextTarget } from './response-events.ts';

interface Slot {
  id: string | null;
  done: JsonRecord | null;
  partial: PartialItem;
  /** What it counts for in `#keptCost`. */
  cost: number;
  /** And in `#textCost`. */
  textCost: number;
}

type Terminal = NonNullable<Answer['terminal']>;

const terminalTypes: ReadonlyMap<string, Terminal> = new Map([
  ['response.completed', 'completed'],
  ['response.done', 'completed'],
  ['response.incomplete', 'incomplete'],
  ['response.failed', 'failed'],
  ['response.cancelled', 'failed'],
]);
/** By the `status` of a response object. */
const terminalStatuses: ReadonlyMap<unknown, Terminal> = new Map([
  ['completed', 'completed'],
  ['incomplete', 'incomplete'],
  ['failed', 'failed'],
  ['cancelled', 'failed'],
]);
/** Names of unknown types that are kept: enough to see what is new, too few to fill memory. */
const maxUnknownTypes = 50;
/** What is kept of an answer until it ends, in characters of its events, where a value counts as 64: what a hostile provider can make us hold. */
const maxKeptCost = 64 * 1024 * 1024;
const valueCost = 64;
/**
 * And of texts whose item is not over, in characters, where each delta counts as 64 more. The longest answers known have 128,000 tokens, of some five
 * characters each. A character may take two bytes.
 */
const maxTextCost = 16 * 1024 * 1024;
const maxItems = 10_000;
/** Events whose JSON is kept as it is; of the others only text. */
const keepsJson = /(\.(added|done)|^response\.(completed|done|incomplete|failed|cancelled))$/;

export class ResponsesReader {
  readonly #slots = new Map<number, Slot>();
  readonly #unknownTypes = new Set<string>();
  #responseId: string | null = null;
  #model: string | null = null;
  #terminal: Terminal | null = null;
  #incompleteReason: string | null = null;
  #error: CallError | null = null;
  #usage: Usage | null = null;
  #finalOutput: readonly unknown[] = [];
  #firstDeltaAt: number | null = null;
  #firstDoneAt: number | null = null;
  #eventCount = 0;
  #nextIndex = 0;
  #keptCost = 0;
  #textCost = 0;
  /** Of the event that is being read. */
  #cost = 0;
  #notRead = 0;

  /** Takes one event's JSON text and the monotonic time (ms) at which it came. */
  push(data: string, mono: number): void {
    const read = readOutsideJson(data);
    if (read.type === 'too-many-values') this.#notRead += 1;
    if (read.type !== 'json' || !isRecord(read.value)) return;
    const isKept = keepsJson.test(stringOf(read.value['type']) ?? '');
    this.#cost = isKept ? data.length + valueCost * countJsonValues(data) : data.length;
    this.read(read.value, mono);
    this.#cost = 0;
  }

  /** The same for an event that is parsed already. */
  read(event: JsonRecord, mono: number): void {
    const type = stringOf(event['type']);
    if (type === null) return;
    this.#eventCount += 1;
    const dot = type.lastIndexOf('.');
    const family = dot === -1 ? '' : type.slice(0, dot);
    const step = type.slice(dot + 1);
    if (step === 'delta') this.#firstDeltaAt ??= mono;
    const terminal = terminalTypes.get(type);
    const target = step === 'delta' || step === 'done' ? textTargets.get(family) : undefined;
    const partList = step === 'added' || step === 'done' ? partLists.get(family) : undefined;
    if (terminal !== undefined) this.#finish(terminal, event['response']);
    else if (type === 'error') this.#fail(event);
    else if (type === 'response.output_item.added') this.#beginItem(event);
    else if (type === 'response.output_item.done') this.#finishItem(event, mono);
    else if (target !== undefined) this.#readText(event, target, step === 'done');
    else if (partList !== undefined) this.#readPart(event, partList);
    else if (isProgress(type)) {
      if (isRecord(event['response'])) this.#readResponse(event['response']);
    } else if (this.#unknownTypes.size < maxUnknownTypes) this.#unknownTypes.add(type.slice(0, 200));
  }

  /** The provider has said how it ended. */
  get isTerminal(): boolean {
    return this.#terminal !== null;
  }

  answer(): Answer {
    return {
      responseId: this.#responseId,
      model: this.#model,
      terminal: this.#terminal,
      incompleteReason: this.#incompleteReason,
      error: this.#error,
      usage: this.#usage,
      items: this.#items(),
      firstTokenAt: this.#firstDeltaAt ?? this.#firstDoneAt,
      eventCount: this.#eventCount,
      unknownEventTypes: [...this.#unknownTypes],
      ...(this.#notRead > 0 && { notRead: sayEvents(this.#notRead, 'much to be kept') }),
    };
  }

  #readText(event: JsonRecord, target: TextTarget, isDone: boolean): void {
    // A done names its text after the field that it closes: text, refusal, arguments, input, code.
    const text = stringOf(event[isDone ? target.field : 'delta']);
    const slot = isDone ? this.#roomySlot(event) : this.#slotForDelta(event, text ?? '');
    if (slot === null) return;
    const { partial } = slot;
    partial.infer(target.itemType, stringOf(event['item_id']));
    if (text === null) return;
    if (target.list === null) {
      if (isDone) partial.finish(target.field, text);
      else partial.append(target.field, text);
      return;
    }
    const index = partIndex(event, target.list);
    if (isDone) partial.finishPart(target.list, index, target.partType, text);
    else partial.appendPart(target.list, index, target.partType, text);
  }

  #readPart(event: JsonRecord, list: PartList): void {
    const { part } = event;
    const slot = this.#roomySlot(event);
    if (slot === null) return;
    const { partial } = slot;
    partial.infer(list === 'summary' ? 'reasoning' : 'message', stringOf(event['item_id']));
    if (isRecord(part)) partial.setPart(list, partIndex(event, list), part);
  }

  #beginItem(event: JsonRecord): void {
    const { item } = event;
    const slot = isRecord(item) ? this.#roomySlot(event) : null;
    if (slot === null || !isRecord(item)) return;
    slot.id ??= stringOf(item['id']);
    slot.partial.begin(item);
  }

  #finishItem(event: JsonRecord, mono: number): void {
    const { item } = event;
    if (!isRecord(item)) return;
    this.#firstDoneAt ??= mono;
    const slot = this.#roomySlot(event);
    if (slot === null) return;
    slot.id ??= stringOf(item['id']);
    slot.done = item;
    // What deltas said is in the item, and need not be kept twice.
    this.#keptCost -= slot.cost - this.#cost;
    slot.cost = this.#cost;
    this.#textCost -= slot.textCost;
    slot.textCost = 0;
    slot.partial = new PartialItem();
  }

  #finish(terminal: Terminal, response: unknown): void {
    if (isRecord(response)) this.#readResponse(response);
    if (this.#terminal !== null) return;
    // `response.done` covers every ending and leaves the kind to the status.
    this.#terminal = (isRecord(response) ? terminalStatuses.get(response['status']) : undefined) ?? terminal;
    if (this.#terminal === 'failed') this.#error ??= { code: 'error', message: '' };
  }

  /** Two shapes: `{code, message}` beside the type, or `{error: {…}, status}` (WebSocket). */
  #fail(event: JsonRecord): void {
    if (this.#terminal !== null) return;
    this.#terminal = 'failed';
    this.#error = readError(event['error']) ?? readError({ ...event, type: null });
  }

  #readResponse(response: JsonRecord): void {
    this.#responseId = stringOf(response['id']) ?? this.#responseId;
    this.#model = stringOf(response['model']) ?? this.#model;
    this.#usage = readUsage(response['usage']) ?? this.#usage;
    this.#error ??= readError(response['error']);
    const details = response['incomplete_details'];
    if (isRecord(details)) this.#incompleteReason = stringOf(details['reason']) ?? this.#incompleteReason;
    const { output } = response;
    if (Array.isArray(output) && this.#takeRoom()) this.#finalOutput = output;
  }

  /** False: too much is kept already; what this event says is passed over, and counted. */
  #takeRoom(): boolean {
    const isRoom = this.#keptCost + this.#cost <= maxKeptCost;
    if (isRoom) this.#keptCost += this.#cost;
    else this.#notRead += 1;
    return isRoom;
  }

  #roomySlot(event: JsonRecord): Slot | null {
    const slot = this.#slot(event);
    if (slot === null) {
      this.#notRead += 1;
      return null;
    }
    if (!this.#takeRoom()) return null;
    slot.cost += this.#cost;
    return slot;
  }

  /** The same for a delta, of which nothing but its text is kept. */
  #slotForDelta(event: JsonRecord, text: string): Slot | null {
    const slot = this.#slot(event);
    const cost = text.length + valueCost;
    if (slot === null || this.#textCost + cost > maxTextCost) {
      this.#notRead += 1;
      return null;
    }
    this.#textCost += cost;
    slot.textCost += cost;
    return slot;
  }

  /** The place of the item that this event speaks of: by `output_index`, else by the item's id, else a new one. Null: there are too many. */
  #slot(event: JsonRecord): Slot | null {
    const { item } = event;
    const id = stringOf(event['item_id']) ?? (isRecord(item) ? stringOf(item['id']) : null);
    let index = numberOf(event['output_index']);
    const known = index === null ? undefined : this.#slots.get(index);
    const isTaken = known !== undefined && known.id !== null && id !== null && known.id !== id;
    if (index === null || isTaken) {
      for (const [, slot] of this.#slots) if (id !== null && slot.id === id) return slot;
      index = this.#nextIndex;
    }
    const found = this.#slots.get(index);
    if (found === undefined && this.#slots.size === maxItems) return null;
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    const slot = found ?? { id, done: null, partial: new PartialItem(), cost: 0, textCost: 0 };
    slot.id ??= id;
    this.#slots.set(index, slot);
    return slot;
  }

  /**
   * Done items, else the response's own output, else what deltas said. ChatGPT's backend may send an empty `output`
   * in `response.completed`, so that list alone says nothing.
   */
  #items(): AnswerItem[] {
    const items = new Map<number, AnswerItem>();
    for (const [outputIndex, { done, partial }] of this.#slots) {
      items.set(outputIndex, { outputIndex, json: done ?? partial.json(), partial: done === null });
    }
    for (const [outputIndex, json] of this.#finalOutput.entries()) {
      if (isRecord(json) && (items.get(outputIndex)?.partial ?? true)) {
        items.set(outputIndex, { outputIndex, json, partial: this.#terminal === null });
      }
    }
    return [...items.values()].sort((a, b) => a.outputIndex - b.outputIndex);
  }
}

/** The answer in a JSON body that was not streamed: a response object, or `{"error": {…}}`. */
export function readJsonAnswer(body: string, mono: number): Answer {
  const read = readOutsideJson(body);
  const reader = new ResponsesReader();
  if (read.type === 'too-many-values')
    return { ...reader.answer(), notRead: 'the answer, which holds too many values' };
  if (read.type !== 'json' || !isRecord(read.value)) return reader.answer();
  const json = read.value;
  const response = isRecord(json['response']) ? json['response'] : json;
  const error = readError(response['error']) ?? readError(response['detail']);
  if (!Array.isArray(response['output'])) {
    if (error === null) return { ...reader.answer(), responseId: stringOf(response['id']) };
    return { ...reader.answer(), terminal: 'failed', error, responseId: stringOf(response['id']) };
  }
  const status = terminalStatuses.get(response['status']) ?? (error === null ? 'completed' : 'failed');
  reader.read({ type: `response.${status}`, response }, mono);
  const answer = reader.answer();
  return { ...answer, firstTokenAt: answer.items.length > 0 ? mono : null, eventCount: 0 };
}

function partIndex(event: JsonRecord, list: PartList): number {
  return numberOf(event[list === 'summary' ? 'summary_index' : 'content_index']) ?? 0;
}
