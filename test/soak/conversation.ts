// Conversations as Codex 0.169 has them: the first request has 70 kB under zstd, and each further one all items of the one before, the answer's
// and a new one.
import { zstdCompress } from 'http-encoding';

import { randomJsonText } from '../support/chunks.ts';
import { assistantMessage, codexRequest, opening, userMessage } from '../support/wire-script.ts';
import { callPath } from './ask.ts';

export interface Posted {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** `body` before zstd. */
  readonly decoded: Uint8Array;
}

const instructions = randomJsonText(7, 60_000);

export class Conversation {
  readonly #session: string;
  readonly #items: object[];
  #turn = 0;

  constructor(session: string) {
    this.#session = session;
    this.#items = [...opening(`turn-${session}-1`), userMessage(randomJsonText(1, 8_000), 'turn-0', 'msg_first')];
  }

  /** The next request; `isNewTurn`: the user has said something, else a tool has. */
  async next(id: string, seed: number, isNewTurn: boolean): Promise<Posted> {
    if (isNewTurn || this.#turn === 0) this.#turn += 1;
    const turn = `turn-${this.#session}-${this.#turn}`;
    if (this.#items.length > 3) this.#items.push(assistantMessage(randomJsonText(seed + 1, 700), `msg_a_${seed}`));
    this.#items.push(userMessage(randomJsonText(seed, 1_500), turn, `msg_${this.#session}_${seed}`));
    const { headers, body } = codexRequest({
      session: this.#session,
      turn,
      input: this.#items,
      body: { instructions },
    });
    const decoded = Buffer.from(JSON.stringify(body));
    return {
      path: `${callPath}?soak=${id}`,
      headers: [...headers, ['content-encoding', 'zstd']],
      body: await zstdCompress(decoded),
      decoded,
    };
  }
}
