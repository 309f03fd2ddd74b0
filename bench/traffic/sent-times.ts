// Reads from a stream of events when each was sent: `"sent":123.456`, wherever the chunks happen to be cut.

export class SentTimes {
  #rest = '';
  isCompleted = false;

  /** The times in what has come whole with this chunk. */
  push(chunk: Buffer): number[] {
    const text = this.#rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n\n') + 2;
    if (end === 1) {
      this.#rest = text;
      return [];
    }
    this.#rest = text.slice(end);
    const whole = text.slice(0, end);
    if (whole.includes('event: response.completed')) this.isCompleted = true;
    return [...whole.matchAll(/"sent":([\d.]+)/g)].map(([, sent]) => Number(sent));
  }
}
