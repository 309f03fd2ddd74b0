// Which answer a call gets: set beside the scenario first (prewarms, titles, what a test takes aside), then the next step.
import type { Answer } from './answer.ts';
import { text } from './builders.ts';
import type { ReceivedCall } from './received.ts';

/** Answers in order, or a function of the call and of how many calls the scenario has answered before. */
export type Scenario = readonly Answer[] | ((call: ReceivedCall, index: number) => Answer | Promise<Answer>);

export interface ScenarioOptions {
  readonly scenario?: Scenario;
  /** A look at each call first: an answer that uses up no step, say for a sub-agent's thread; null leaves it to the scenario. */
  readonly aside?: (call: ReceivedCall) => Answer | null;
  /** The title that title requests are answered with; null makes them steps of the scenario. */
  readonly title?: string | null;
}

export interface ChosenAnswer {
  readonly answer: Answer;
  readonly responseId: string;
}

export const exhausted = '(no more answers in the scenario)';

/** Response ids: `resp_N` for the N-th step, `resp_tN` for titles, `resp_asideN`. */
export class Director {
  readonly #options: ScenarioOptions;
  #steps = 0;
  #titles = 0;
  #asides = 0;

  constructor(options: ScenarioOptions) {
    this.#options = options;
  }

  async choose(call: ReceivedCall): Promise<ChosenAnswer> {
    const { scenario = [], aside, title = 'A stand-in title' } = this.#options;
    const besides = aside?.(call) ?? null;
    if (besides !== null) return { answer: besides, responseId: `resp_aside${++this.#asides}` };
    if (call.kind === 'title' && title !== null) {
      return { answer: text(JSON.stringify({ title })), responseId: `resp_t${++this.#titles}` };
    }
    const index = this.#steps++;
    const answer = typeof scenario === 'function' ? await scenario(call, index) : scenario[index];
    return { answer: answer ?? text(exhausted), responseId: `resp_${index + 1}` };
  }
}
