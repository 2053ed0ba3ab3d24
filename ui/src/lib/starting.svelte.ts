/** Starting a transfer from a form: previewed while it is typed, sent once however often the button is pressed. */
import { apiError, type ApiError, post } from './api';
import { startedJob } from './jobs';
import { newKey } from './keys';
import { go } from './router.svelte';
import { closeTransfer } from './transfers.svelte';

export interface Problem { field: string; text: string }
export interface Previewed { references: string[]; registry: string | null; credential: string | null; problems: Problem[] }

const TYPING = 250;

/** What the server says of a form, asked again whenever `ask` reads something else. Only within a component. */
export class Previewing {
  found = $state.raw<Previewed | null>(null);
  error = $state.raw<ApiError | null>(null);
  asking = $state(false);
  /** Whether there was something to ask about. */
  asked = $state(false);

  /** `ask` reads the form and says how to ask, or null where there is nothing to ask about yet. */
  constructor(ask: () => ((signal: AbortSignal) => Promise<Previewed>) | null) {
    $effect(() => {
      const controller = new AbortController();
      const begin = ask();
      this.asking = true;
      this.asked = begin !== null;
      const timer = setTimeout(() => void this.#ask(begin, controller.signal), TYPING);
      // Whoever comes back may have mended what was wrong, such as a login that had ended.
      const back = () => this.error && void this.#ask(begin, controller.signal);
      addEventListener('focus', back);
      return () => {
        removeEventListener('focus', back);
        clearTimeout(timer);
        controller.abort();
      };
    });
  }

  async #ask(ask: ((signal: AbortSignal) => Promise<Previewed>) | null, signal: AbortSignal): Promise<void> {
    try {
      const found = ask ? await ask(signal) : null;
      if (signal.aborted) return;
      this.found = found;
      this.error = null;
    } catch (caught) {
      if (signal.aborted) return;
      this.error = apiError(caught);
    }
    this.asking = false;
  }

  /** What is wrong with a field, as it stands. */
  wrong(field: string): string | undefined {
    return this.asking ? undefined : this.found?.problems.find((each) => each.field === field)?.text;
  }
}

/** The button of a form: one key as long as what is asked for stays the same. */
export class Starting {
  busy = $state(false);
  error = $state.raw<ApiError | null>(null);
  #sent = '';
  #key = '';

  /** Sends the request with its key; then to the job. */
  async start(asked: object, send: (headers: Record<string, string>) => Promise<object | undefined>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const text = JSON.stringify(asked);
    if (text !== this.#sent) [this.#sent, this.#key] = [text, newKey()];
    try {
      // Not `application/json` alone: then the answer would come at the job's end.
      const job = startedJob(await send({ 'idempotency-key': this.#key }));
      closeTransfer();
      go(`/jobs/${job}`);
    } catch (caught) {
      this.error = apiError(caught);
      // A refusal is an answer: trying again asks anew. Where the server was not reached, it may have heard: the key stays.
      if (this.error.status !== 0) this.#sent = '';
    } finally {
      this.busy = false;
    }
  }
}

export async function previewPush(body: Parameters<typeof post<'/api/images/push/preview'>>[1], signal: AbortSignal): Promise<Previewed> {
  const found = await post('/api/images/push/preview', { ...body, signal });
  return { references: found.targets, registry: found.registry?.name ?? null, credential: found.credential, problems: found.problems };
}

export async function previewPull(body: Parameters<typeof post<'/api/images/pull/preview'>>[1], signal: AbortSignal): Promise<Previewed> {
  const found = await post('/api/images/pull/preview', { ...body, signal });
  return { references: found.reference ? [found.reference] : [], registry: found.registry?.name ?? null, credential: found.credential, problems: found.problems };
}
