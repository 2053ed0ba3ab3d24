/** Something asked of the server: old data stay while it is asked anew, an error stands beside them. */
import { apiError, type ApiError } from './api';

export class Resource<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | null>(null);
  /** True while asking, from 200 ms on: what comes sooner shows no skeleton. */
  slow = $state(false);
  asking = $state(false);

  #controller: AbortController | null = null;

  constructor(readonly ask: (signal: AbortSignal) => Promise<T>) {}

  /** Ask (again); what an earlier question still brings is dropped. */
  async reload(): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    const timer = setTimeout(() => (this.slow = true), 200);
    this.asking = true;
    try {
      const data = await this.ask(controller.signal);
      if (controller.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = apiError(error);
    } finally {
      clearTimeout(timer);
      if (this.#controller === controller) {
        this.asking = false;
        this.slow = false;
      }
    }
  }

  stop(): void {
    this.#controller?.abort();
  }
}

/** A Resource that asks at once, again whenever a state that `ask` reads before its first `await` changes, and every
 *  `seconds` while the page is in sight. Only within a component. */
export function resource<T>(ask: (signal: AbortSignal) => Promise<T>, seconds = 0): Resource<T> {
  const made = new Resource(ask);
  $effect(() => {
    void made.reload();
    const again = seconds ? setInterval(() => document.visibilityState === 'visible' && void made.reload(), seconds * 1000) : undefined;
    return () => {
      clearInterval(again);
      made.stop();
    };
  });
  return made;
}
