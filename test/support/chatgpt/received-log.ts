// Everything that reached the stand-in, in order, and a way to wait for more of it without polling.
import { EventEmitter } from 'node:events';
import type { ReceivedRequest } from '../../../src/provider/index.ts';
import type { ReceivedCall, ReceivedSocket } from './received.ts';

export class ReceivedLog {
  readonly requests: ReceivedRequest[] = [];
  readonly calls: ReceivedCall[] = [];
  readonly sockets: ReceivedSocket[] = [];
  readonly tlsErrors: Error[] = [];
  readonly #changes = new EventEmitter().setMaxListeners(0);

  /** To be called after every change, so that those who wait look again. */
  changed(): void {
    this.#changes.emit('change');
  }

  /** Settles with the first value of `look` that is neither undefined, null nor false; `what` is for the complaint. */
  waitFor<T>(look: () => T | undefined | null | false, what: string, timeoutMs = 15_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const again = (): void => {
        try {
          const found = look();
          if (found === undefined || found === null || found === false) return;
          stop();
          resolve(found);
        } catch (error) {
          stop();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const stop = (): void => {
        clearTimeout(timer);
        this.#changes.off('change', again);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`the stand-in waited ${timeoutMs} ms in vain for ${what}; it has ${this.describe()}`));
      }, timeoutMs);
      this.#changes.on('change', again);
      again();
    });
  }

  describe(): string {
    const lines = this.requests.map((request) => `${request.method} ${request.host}${request.path} ${request.status}`);
    return `${lines.length} requests and ${this.calls.length} calls:\n${lines.join('\n')}`;
  }
}
