// The agent asks for a title on a session of its own, with nothing that names the session it is for: only the prompt is inside.
// So a title goes to the session of this run whose first prompt the request ends with. Either may come first.
import { readOutsideJson } from '../../domain/index.ts';

interface Known {
  readonly prompt: string;
  isTold: boolean;
}

export interface FoundTitle {
  readonly sessionId: string;
  readonly title: string;
}

// The agent may shorten what it asks about: of a long prompt this much is enough.
const enough = 200;
// A run may go on for weeks.
const remembered = 200;
const longestRequest = 64 * 1024;

export class Titles {
  readonly #sessions = new Map<string, Known>();
  #untold: { readonly request: string; readonly title: string }[] = [];

  /** A session's first prompt; later ones change nothing. */
  notePrompt(sessionId: string, prompt: string): FoundTitle | null {
    if (this.#sessions.has(sessionId)) return null;
    const known = { prompt: prompt.trim().slice(0, enough), isTold: false };
    this.#sessions.set(sessionId, known);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > remembered && oldest !== undefined) this.#sessions.delete(oldest);
    const found = this.#untold.find(({ request }) => isAbout(request, known.prompt));
    if (found === undefined) return null;
    this.#untold = this.#untold.filter((candidate) => candidate !== found);
    known.isTold = true;
    return { sessionId, title: found.title };
  }

  /** What a title request asked, and the answer to it. */
  noteTitle(request: string, answer: string): FoundTitle | null {
    const title = readTitle(answer);
    if (title === null) return null;
    for (const [sessionId, known] of this.#sessions) {
      if (known.isTold || !isAbout(request, known.prompt)) continue;
      known.isTold = true;
      return { sessionId, title };
    }
    this.#untold = [...this.#untold, { request: endOf(request), title }].slice(-remembered);
    return null;
  }
}

/** What it is about stands at its end. A copy: a part of a string keeps all of it in memory. */
function endOf(request: string): string {
  const text = request.trimEnd();
  return text.length <= longestRequest ? text : Buffer.from(text.slice(-longestRequest)).toString();
}

function isAbout(request: string, prompt: string): boolean {
  if (prompt === '') return false;
  return prompt.length < enough ? request.trimEnd().endsWith(`\n${prompt}`) : request.includes(`\n${prompt}`);
}

function readTitle(answer: string): string | null {
  const read = readOutsideJson(answer);
  const json = read.type === 'json' ? read.value : null;
  if (typeof json !== 'object' || json === null || !('title' in json) || typeof json.title !== 'string') return null;
  return json.title.trim() || null;
}
