/** The jobs that are going on, live: one stream of the server for all tabs of this browser.
 *
 *  One tab leads: it holds a Web Lock, reads `GET /api/jobs/events` and tells the others over a BroadcastChannel; those of
 *  another user have another. Where there are no locks (plain HTTP), and where the leader says nothing any more, each tab
 *  reads for itself. The list is asked for while no stream has brought anything, and where one was silent for long: then
 *  it tells whether the stream is still one. */
import { get, send, type Shape } from './api';
import { address } from './base';
import { seconds } from './clock.svelte';

export type Job = Shape<'Job'>;
export type Progress = NonNullable<Job['progress']>;
export type Line = Record<string, unknown>;

/** What the stream tells, as one of: all anew, one job anew, one job's bytes, one followed job's lines. */
export type News =
  | { event: 'snapshot'; data: { jobs: Job[] } }
  | { event: 'job'; data: Job }
  | { event: 'tick'; data: { id: string; progress: Progress } }
  | { event: 'lines'; data: { id: string; cursor: number; lines: { event?: string; data: Line }[] } };

const MARKS = ['live', 'reconnecting', 'offline'] as const;
export type Mark = (typeof MARKS)[number];

const EVENTS = ['snapshot', 'job', 'tick', 'lines'] as const;
const RETRY = [1, 2, 5, 10, 30];
/** Seconds between questions while there is no stream, and between signs of life of the tab that leads. */
const POLL = 3;
/** Seconds of silence after which a stream is doubted. */
const SILENT = 20;
/** Seconds after which a leader that says nothing is not waited for: a hidden tab's clock may strike once a minute. */
const LOST = 90;
/** Seconds after which a tab that does not follow anew has gone. */
const GONE = 180;
const MOST_FOLLOWED = 20;
const MOST_ENDED = 200;
const ENDED = new Set(['done', 'error', 'cancelled', 'interrupted']);

let jobs = $state.raw<ReadonlyMap<string, Job>>(new Map());
let mark = $state<Mark>('reconnecting');

export const live = {
  /** Jobs that go on or ended while this page was open, by id. */
  get jobs(): ReadonlyMap<string, Job> {
    return jobs;
  },
  get active(): Job[] {
    return [...jobs.values()].filter((job) => !ENDED.has(job.status));
  },
  get mark(): Mark {
    return mark;
  },
};

export function ended(job: Pick<Job, 'status'>): boolean {
  return ENDED.has(job.status);
}

const listeners = new Set<(news: News) => void>();
const followed = new Map<string, number>();
let source: EventSource | null = null;
let leading = false;
let attempts = 0;
let asking = false;
/** Whether the stream was lost since it last brought something. */
let lost = false;
let heardAt = 0;
let who = '';
let again: ReturnType<typeof setTimeout> | undefined;
let channel: BroadcastChannel | null = null;
/** Followed jobs of other tabs, by tab; the leader's stream follows them all. */
const elsewhere = new Map<string, { ids: string[]; seen: number }>();
const tab = Math.random().toString(36).slice(2);

/** Be told everything; returns how to stop. */
export function listen(listener: (news: News) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Also be told this job's lines, from its first; returns how to stop. */
export function follow(id: string): () => void {
  followed.set(id, (followed.get(id) ?? 0) + 1);
  wish();
  return () => {
    const count = (followed.get(id) ?? 1) - 1;
    if (count > 0) followed.set(id, count);
    else followed.delete(id);
    wish();
  };
}

/** Begins; called once, when `username` is logged in. */
export function start(username: string): void {
  who = username;
  heardAt = seconds();
  const name = `lading.live.${address('/')}.${encodeURIComponent(username)}`;
  if (typeof BroadcastChannel !== 'undefined') {
    channel = new BroadcastChannel(name);
    channel.onmessage = heard;
  }
  if (navigator.locks && channel) {
    void navigator.locks.request(name, () => {
      lead();
      return new Promise(() => undefined);
    });
    // Another tab leads, perhaps: it tells what there is.
    greet();
    addEventListener('pagehide', () => tell({ kind: 'follow', tab, ids: [] }));
    addEventListener('pageshow', (event) => event.persisted && greet());
  } else {
    lead();
  }
  setInterval(beat, POLL * 1000);
  addEventListener('online', () => leading && connect());
  addEventListener('offline', () => (mark = 'offline'));
}

function lead(): void {
  if (leading) return;
  leading = true;
  connect();
  tell({ kind: 'lead' });
}

function greet(): void {
  tell({ kind: 'hello' });
  wish();
}

type Message =
  | { kind: 'news'; news: News }
  | { kind: 'mark'; mark: Mark }
  | { kind: 'hello' }
  | { kind: 'lead' }
  | { kind: 'follow'; tab: string; ids: string[] };

function tell(message: Message): void {
  channel?.postMessage(message);
}

/** From another tab, perhaps of another version of this app: what is not understood is passed over. */
function heard(event: MessageEvent<Message | null>): void {
  const message = event.data;
  if (message?.kind === 'news' || message?.kind === 'mark') {
    if (leading) return;
    heardAt = seconds();
    if (message.kind === 'mark') mark = MARKS.find((each) => each === message.mark) ?? mark;
    else if (isNews(message.news)) take(message.news);
  } else if (message?.kind === 'lead') wish();
  else if (message?.kind === 'hello' && leading) {
    tell({ kind: 'news', news: { event: 'snapshot', data: { jobs: [...jobs.values()] } } });
    tell({ kind: 'mark', mark });
  } else if (message?.kind === 'follow' && leading && Array.isArray(message.ids)) {
    if (message.ids.length) elsewhere.set(message.tab, { ids: message.ids, seen: seconds() });
    else elsewhere.delete(message.tab);
    connectSoon();
  }
}

function isNews(news: News | undefined): news is News {
  if (!news?.data) return false;
  return news.event === 'snapshot' ? Array.isArray(news.data.jobs) : typeof news.data.id === 'string';
}

let following = '';

/** This tab's own first: no more are told of. */
function wanted(): string {
  const ids = new Set(followed.keys());
  for (const each of elsewhere.values()) for (const id of each.ids) ids.add(id);
  return [...ids].slice(0, MOST_FOLLOWED).sort().map((id) => `follow=${encodeURIComponent(id)}`).join('&');
}

function wish(): void {
  if (!leading) tell({ kind: 'follow', tab, ids: [...followed.keys()] });
  else connectSoon();
}

/** What several tabs say at once leads to one stream. */
function connectSoon(): void {
  if (wanted() === following) return;
  clearTimeout(again);
  again = setTimeout(() => wanted() !== following && connect(), 50);
}

function connect(): void {
  clearTimeout(again);
  source?.close();
  following = wanted();
  heardAt = seconds();
  const opened = new EventSource(address(`/api/jobs/events${following ? `?${following}` : ''}`));
  source = opened;
  for (const name of EVENTS) {
    opened.addEventListener(name, (event) => {
      if (source !== opened) return;
      settled();
      const news = { event: name, data: JSON.parse((event as MessageEvent<string>).data) } as News;
      take(news);
      tell({ kind: 'news', news });
    });
  }
  opened.onerror = () => {
    if (source !== opened) return;
    broken();
    // EventSource tries again by itself, except where the server refused: then we do, less and less often.
    if (opened.readyState === EventSource.CLOSED) {
      again = setTimeout(connect, 1000 * (RETRY[Math.min(attempts, RETRY.length - 1)] ?? 30));
      attempts += 1;
    }
  };
}

/** The stream has brought something. That it was opened says nothing yet: a proxy may hold back what comes. */
function settled(): void {
  attempts = 0;
  heardAt = seconds();
  marked('live');
  if (lost) void same();
  lost = false;
}

function broken(): void {
  lost = true;
  marked(navigator.onLine ? 'reconnecting' : 'offline');
}

function marked(now: Mark): void {
  if (mark === now) return;
  mark = now;
  tell({ kind: 'mark', mark: now });
}

/** Whoever logs in in another tab has this one's cookie too: then what stands here is somebody else's. */
async function same(): Promise<void> {
  const session = await get('/api/auth/session').catch(() => null);
  if (session && session.username !== who) location.reload();
}

/** Every `POLL` seconds, in a hidden tab less often. */
function beat(): void {
  const silence = seconds() - heardAt;
  if (!leading) {
    if (silence > LOST && document.visibilityState === 'visible') lead();
    else if (followed.size) wish();
    return;
  }
  for (const [name, each] of elsewhere) if (seconds() - each.seen > GONE) elsewhere.delete(name);
  tell({ kind: 'mark', mark });
  if (mark !== 'live' ? silence >= POLL : silence > SILENT) void ask();
}

/** The list instead of the stream. What is not in it any more has ended, and is asked for by itself. A stream that should
 *  have told what it says is none any more. */
async function ask(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    const path = '/api/jobs?status=queued&status=running&page=1&limit=200';
    const found = (await send('get', path, { signal: AbortSignal.timeout(10_000) })) as { items: Job[] };
    if (mark === 'live' && seconds() - heardAt <= SILENT) return; // the stream spoke meanwhile, and knows better
    const dead = mark === 'live' && found.items.some((job) => jobs.get(job.id)?.status !== job.status);
    heardAt = seconds();
    const news: News = { event: 'snapshot', data: { jobs: found.items } };
    take(news);
    tell({ kind: 'news', news });
    if (dead) connect();
  } catch {
    const known = mark !== 'live';
    broken();
    if (!known) connect();
  } finally {
    asking = false;
  }
}

function take(news: News): void {
  if (news.event === 'snapshot') {
    const now = new Map<string, Job>();
    for (const job of [...jobs.values()].filter(ended).slice(-MOST_ENDED)) now.set(job.id, job);
    for (const job of news.data.jobs) now.set(job.id, job);
    jobs = now;
  } else if (news.event === 'job') {
    const known = jobs.get(news.data.id);
    const now = new Map(jobs);
    now.delete(news.data.id); // the last one to change stands last
    if (jobs.size > MOST_ENDED && ended(news.data)) now.delete([...now.values()].find(ended)?.id ?? '');
    jobs = now.set(news.data.id, known && !ended(news.data) ? { ...news.data, progress: known.progress ?? news.data.progress } : news.data);
  } else if (news.event === 'tick') {
    const job = jobs.get(news.data.id);
    if (job) jobs = new Map(jobs).set(job.id, { ...job, progress: news.data.progress });
  }
  for (const listener of listeners) listener(news);
}
