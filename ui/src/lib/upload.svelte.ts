/** An archive on its way to the server, piece by piece. It goes on while the dialog is closed; after a lost connection by
 *  itself, after a reload of the page with the same file chosen again: its id is kept in this browser. */
import { apiError, ApiError, get, post, remove, send } from './api';
import { seconds } from './clock.svelte';
import { startedJob } from './jobs';
import { keep, kept } from './kept';
import { add, began, speed, timeLeft, type Moved } from './speed';

/** Bytes of one request: each is a step of the bar, and at most this is sent twice. */
const PIECE = 4 * 1024 * 1024;
const RETRY = [1, 2, 5, 10, 30];

export interface Kept { id: string; name: string; size: number; modified: number; environment: number; offset: number }

export function keptUploads(): Kept[] {
  const found = kept('uploads');
  return Array.isArray(found) ? (found as Kept[]).filter((each) => typeof each.id === 'string' && typeof each.size === 'number') : [];
}

function keepUpload(upload: Kept | { id: string; gone: true }): void {
  const others = keptUploads().filter((each) => each.id !== upload.id);
  keep('uploads', 'gone' in upload ? others : [...others, upload]);
}

/** Gives an upload of an earlier visit up, here and there. */
export async function forget({ id }: Kept): Promise<void> {
  keepUpload({ id, gone: true });
  await remove('/api/images/imports/{id}', { path: { id } });
}


export class Upload {
  offset = $state(0);
  state = $state<'sending' | 'retrying' | 'finishing' | 'done' | 'failed' | 'cancelled'>('sending');
  error = $state.raw<ApiError | null>(null);
  job = $state('');
  moved = $state.raw<Moved>(began);
  readonly resumed: boolean;

  #controller = new AbortController();
  #attempts = 0;
  #id: string;

  constructor(readonly file: File, readonly environment: number) {
    const earlier = keptUploads().find((each) => each.name === file.name && each.size === file.size && each.modified === file.lastModified && each.environment === environment);
    this.#id = earlier?.id ?? '';
    this.resumed = earlier !== undefined;
  }

  get speed(): number | null {
    return speed(this.moved, seconds());
  }
  get left(): number | null {
    return timeLeft(this.moved, this.file.size - this.offset, seconds());
  }

  /** All of it, then its job; every end is told by `state`. */
  async run(): Promise<void> {
    const query = this.environment ? { env: this.environment } : {};
    for (;;) {
      try {
        await this.#begin(query);
        while (this.offset < this.file.size) await this.#piece();
        this.state = 'finishing';
        // The import is the key: a commit that was heard twice is one job.
        this.job = startedJob(await post('/api/images/imports/{id}/commit', { path: { id: this.#id }, query, headers: { 'idempotency-key': this.#id } }));
        keepUpload({ id: this.#id, gone: true });
        this.state = 'done';
        return;
      } catch (caught) {
        if (!(await this.#again(caught))) return;
      }
    }
  }

  cancel(): void {
    this.state = 'cancelled';
    this.#controller.abort();
    if (this.#id) void forget(this.#kept()).catch(() => undefined); // the server gives it up after a day by itself
  }

  async #begin(query: { env?: number }): Promise<void> {
    if (this.#id) {
      try {
        this.offset = (await get('/api/images/imports/{id}', { path: { id: this.#id }, signal: this.#controller.signal })).offset;
      } catch (caught) {
        if (!(caught instanceof ApiError) || caught.status !== 404) throw caught;
        keepUpload({ id: this.#id, gone: true });
        this.#id = '';
      }
    }
    if (!this.#id) {
      const made = await post('/api/images/imports', { query, signal: this.#controller.signal });
      [this.#id, this.offset] = [made.id, made.offset];
    }
    keepUpload(this.#kept());
    this.state = 'sending';
    this.moved = add(began, seconds(), this.offset);
  }

  async #piece(): Promise<void> {
    const piece = this.file.slice(this.offset, this.offset + PIECE);
    const answer = (await send('patch', `/api/images/imports/${encodeURIComponent(this.#id)}?offset=${this.offset}`, {
      body: piece,
      signal: this.#controller.signal,
      headers: { 'content-type': 'application/octet-stream' },
    })) as { offset: number }; // Arriving
    this.offset = answer.offset;
    this.moved = add(this.moved, seconds(), this.offset);
    this.#attempts = 0;
    keepUpload(this.#kept());
  }

  /** Whether to go on after that: it waits as long as that takes. */
  async #again(caught: unknown): Promise<boolean> {
    if (this.#controller.signal.aborted) return false;
    const error = apiError(caught);
    const passing = error.status === 0 || error.status >= 502 || error.code === 'offset' || error.code === 'busy';
    this.error = error;
    if (!passing || (error.status !== 0 && this.#attempts >= RETRY.length)) {
      this.state = 'failed';
      return false;
    }
    this.state = 'retrying';
    const wait = RETRY[Math.min(this.#attempts, RETRY.length - 1)] ?? 30;
    this.#attempts += 1;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait * 1000);
      const now = () => { clearTimeout(timer); resolve(); };
      addEventListener('online', now, { once: true });
      this.#controller.signal.addEventListener('abort', now, { once: true });
    });
    return !this.#controller.signal.aborted;
  }

  #kept(): Kept {
    const { name, size, lastModified } = this.file;
    return { id: this.#id, name, size, modified: lastModified, environment: this.environment, offset: this.offset };
  }
}

const list = $state<{ all: Upload[] }>({ all: [] });

export const uploads = {
  get all(): Upload[] {
    return list.all;
  },
  get active(): Upload[] {
    return list.all.filter((each) => each.state === 'sending' || each.state === 'retrying' || each.state === 'finishing');
  },
};

let going: Promise<void> = Promise.resolve();
let warned = false;

/** One after the other; `done` is told of each that became a job. */
export function upload(files: File[], environment: number, done: (each: Upload) => void): void {
  if (!warned) {
    warned = true;
    addEventListener('beforeunload', (event) => uploads.active.length && event.preventDefault());
  }
  for (const file of files) {
    const made = new Upload(file, environment);
    list.all = [...list.all, made];
    going = going.then(async () => {
      if (made.state === 'cancelled') return;
      await made.run();
      if (made.state === 'done') done(made);
    });
  }
}

export function dismissUpload(gone: Upload): void {
  list.all = list.all.filter((each) => each !== gone);
}
