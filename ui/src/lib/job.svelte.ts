/** One job as it goes on: asked for once, then followed in the live stream; asked for again where there is none. */
import { apiError, type ApiError, get, type Shape } from './api';
import { seconds } from './clock.svelte';
import { ended, follow, listen, live, type Job, type News } from './live.svelte';
import { NOTHING, withEnd, withLines, withTick, type Progress, type TickTold, type Told } from './progress';

export interface LogLine { number: number; data: Told }

/** Seconds between questions while the stream is down. */
const POLL = 3;

/** Totals and layers of whatever shape tells them: a job, a tick of the stream. */
export function tickOf(progress: Job['progress'] | null | undefined): TickTold {
  const told = progress as { totals?: TickTold['totals']; layers?: TickTold['layers'] } | null | undefined;
  return { totals: told?.totals ?? null, layers: told?.layers };
}

export class FollowedJob {
  job = $state.raw<Job | null>(null);
  progress = $state.raw<Progress>(NOTHING);
  log = $state.raw<readonly LogLine[]>([]);
  error = $state.raw<ApiError | null>(null);
  now = $state.raw(seconds());

  #job: Job | null = null;
  #progress: Progress = NOTHING;
  #log: LogLine[] = [];
  #cursor = 0;
  #frame = 0;
  #asking = false;
  #asked = 0;
  #unfollow: (() => void) | null = null;

  constructor(readonly id: string) {}

  /** Begins; returns how to stop. */
  start(): () => void {
    const deaf = listen((news) => this.#hear(news));
    const timer = setInterval(() => this.#beat(), 1000);
    // One that is known to go on is followed at once: its lines come by the stream then.
    if (live.active.some((job) => job.id === this.id)) this.#unfollow = follow(this.id);
    void this.reload();
    return () => {
      deaf();
      clearInterval(timer);
      cancelAnimationFrame(this.#frame);
      this.#unfollow?.();
      this.#unfollow = null;
    };
  }

  /** Asks for the job and the lines that are not known yet. */
  async reload(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#asked = seconds();
    try {
      for (;;) {
        // Lines of the stream may come meanwhile: these are numbered from where they were asked for.
        const after = this.#cursor;
        const job: Shape<'JobWithLines'> = await get('/api/jobs/{id}', { path: { id: this.id }, query: { after } });
        const { lines, more, ...row } = job;
        this.#lines(after, lines.map((line) => line.data as unknown as Told));
        this.#take(row as Job);
        if (!more) break;
      }
      this.error = null;
    } catch (caught) {
      this.error = apiError(caught);
    } finally {
      this.#asking = false;
    }
    if (this.#job && !ended(this.#job)) this.#unfollow ??= follow(this.id);
    else if (this.#job) {
      this.#unfollow?.();
      this.#unfollow = null;
    }
  }

  #beat(): void {
    if (this.#job && ended(this.#job)) return;
    this.now = seconds();
    if (live.mark !== 'live' && document.visibilityState === 'visible' && seconds() - this.#asked >= POLL) void this.reload();
  }

  #hear(news: News): void {
    if (news.event === 'snapshot') {
      const found = news.data.jobs.find((job) => job.id === this.id);
      if (found) this.#take(found);
      // What is not in the list of those that go on has ended meanwhile.
      else if (this.#job && !ended(this.#job)) void this.reload();
    } else if (news.data.id !== this.id) return;
    else if (news.event === 'tick') {
      this.#progress = withTick(this.#progress, tickOf(news.data.progress), seconds());
      this.#draw();
    } else if (news.event === 'lines') {
      const after = news.data.cursor - news.data.lines.length;
      if (after > this.#cursor) void this.reload();
      else this.#lines(after, news.data.lines.map((line) => line.data as Told));
    } else if (news.event === 'job') {
      this.#take(news.data);
      if (ended(news.data)) void this.reload();
    }
  }

  #take(job: Job): void {
    if (this.#job && ended(this.#job) && !ended(job)) return;
    this.#job = job;
    const told = tickOf(job.progress);
    if (!ended(job)) this.#progress = told.totals || told.layers ? withTick(this.#progress, told, seconds()) : this.#progress;
    else if (this.#cursor >= job.cursor) this.#progress = withEnd(this.#progress, job.status, told.totals);
    this.#draw();
  }

  #lines(after: number, lines: readonly Told[]): void {
    const fresh = lines.slice(this.#cursor - after);
    if (!fresh.length) return;
    this.#progress = withLines(this.#progress, fresh, seconds());
    for (const data of fresh) this.#log.push({ number: (this.#cursor += 1), data });
    this.#draw();
  }

  /** All that came since the last frame is drawn as one; where no frames are drawn, at once. */
  #draw(): void {
    const shown = () => {
      this.#frame = 0;
      this.job = this.#job;
      this.progress = this.#progress;
      if (this.log.length !== this.#log.length) this.log = [...this.#log];
      this.now = seconds();
    };
    if (document.visibilityState !== 'visible') shown();
    else this.#frame ||= requestAnimationFrame(shown);
  }
}
