// What answers over POST and over WebSockets have in common: the log, the scenario, and the ids that they draw.
import type { RawHeaders } from '../../../src/domain/index.ts';
import type { RenderContext, Writable } from '../../../src/provider/index.ts';
import type { Answer } from './answer.ts';
import type { ReceivedCall } from './received.ts';
import { ReceivedLog } from './received-log.ts';
import { Director, type ScenarioOptions } from './scenario.ts';

export class Stage {
  readonly log = new ReceivedLog();
  /** What went wrong in the stand-in itself. */
  readonly faults: unknown[] = [];
  /** Headers of every answer to a model call. */
  readonly commonHeaders: RawHeaders;
  readonly #director: Director;
  readonly #counters = new Map<string, number>();

  constructor(options: ScenarioOptions, commonHeaders: RawHeaders) {
    this.#director = new Director(options);
    this.commonHeaders = commonHeaders;
  }

  addCall(call: Writable<ReceivedCall>): void {
    call.index = this.log.calls.length;
    this.log.calls.push(call);
    this.log.changed();
  }

  async choose(call: Writable<ReceivedCall>): Promise<Answer> {
    const { answer, responseId } = await this.#director.choose(call);
    call.answer = answer;
    call.responseId = responseId;
    this.log.changed();
    return answer;
  }

  contextOf(call: ReceivedCall): RenderContext {
    return {
      responseId: call.responseId ?? '',
      model: call.model ?? '',
      nextId: (prefix) => this.nextId(`${prefix}_`),
    };
  }

  /** 'msg_' → 'msg_1', 'msg_2' … */
  nextId(prefix: string): string {
    const next = (this.#counters.get(prefix) ?? 0) + 1;
    this.#counters.set(prefix, next);
    return `${prefix}${next}`;
  }
}
