// The agent asks for a title on a session of its own, with nothing that names the session it is for: only the prompt is inside.
// So a title goes to the session of this run whose first prompt ends the request. Either may come first.

// The agent may shorten what it asks about.
const compareLength = 200;
// A run may go on for weeks.
const remembered = 200;

export class Titles {
  readonly #prompts = new Map<string, string>();
  #untold: { readonly request: string; readonly title: string }[] = [];

  /** A session's first prompt. */
  notePrompt(sessionId: string, prompt: string): { sessionId: string; title: string } | null {
    if (this.#prompts.has(sessionId)) return null;
    this.#prompts.set(sessionId, prompt.trim().slice(0, compareLength));
    const [oldest] = this.#prompts.keys();
    if (this.#prompts.size > remembered && oldest !== undefined) this.#prompts.delete(oldest);
    const found = this.#untold.find(({ request }) => isAbout(request, prompt));
    if (found === undefined) return null;
    this.#untold = this.#untold.filter((candidate) => candidate !== found);
    return { sessionId, title: found.title };
  }

  /** A title request's prompt and the answer to it. */
  noteTitle(request: string, answer: string): { sessionId: string; title: string } | null {
    const title = readTitle(answer);
    if (title === null) return null;
    for (const [sessionId, prompt] of this.#prompts) {
      if (isAbout(request, prompt)) return { sessionId, title };
    }
    this.#untold = [...this.#untold, { request, title }].slice(-remembered);
    return null;
  }
}

function isAbout(request: string, prompt: string): boolean {
  const start = prompt.trim().slice(0, compareLength);
  return start.length > 0 && request.includes(`\n${start}`);
}

function readTitle(answer: string): string | null {
  try {
    const json: unknown = JSON.parse(answer);
    if (typeof json !== 'object' || json === null || !('title' in json) || typeof json.title !== 'string') return null;
    return json.title.trim() || null;
  } catch {
    return null;
  }
}
