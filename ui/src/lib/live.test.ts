import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** What every tab of the played browser shares. */
const channels = new Set<PlayedChannel>();
const sources: PlayedSource[] = [];
const waiting = new Map<string, (() => unknown)[]>();
const asked: string[] = [];
let listed: { id: string; status: string }[] | Error = [];
let username = 'ann';

class PlayedChannel {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor(readonly name: string) {
    channels.add(this);
  }
  postMessage(data: unknown): void {
    for (const each of channels) if (each !== this && each.name === this.name) each.onmessage?.({ data: structuredClone(data) });
  }
}

class PlayedSource {
  static CLOSED = 2;
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly #heard = new Map<string, (event: { data: string }) => void>();
  constructor(readonly url: string) {
    sources.push(this);
  }
  addEventListener(name: string, heard: (event: { data: string }) => void): void {
    this.#heard.set(name, heard);
  }
  close(): void {
    this.readyState = 2;
  }
  tell(name: string, data: unknown): void {
    this.#heard.get(name)?.({ data: JSON.stringify(data) });
  }
  get lines(): string[] {
    return new URL(this.url, 'http://here').searchParams.getAll('follow');
  }
}

const request = (name: string, held: () => unknown): void => {
  const queue = waiting.get(name) ?? [];
  waiting.set(name, [...queue, held]);
  if (!queue.length) held();
};

/** The tab that leads is closed: the next one holds the lock. */
function leaderGone(name: string): void {
  const [, ...rest] = waiting.get(name) ?? [];
  waiting.set(name, rest);
  rest[0]?.();
}

async function tab(user = 'ann') {
  vi.resetModules();
  const made = await import('./live.svelte');
  made.start(user);
  return made;
}

const open = (): PlayedSource[] => sources.filter((each) => each.readyState !== 2);
const lock = (): string => [...waiting.keys()][0] ?? '';

beforeEach(() => {
  vi.useFakeTimers();
  channels.clear();
  waiting.clear();
  sources.length = asked.length = 0;
  listed = [];
  username = 'ann';
  vi.stubGlobal('BroadcastChannel', PlayedChannel);
  vi.stubGlobal('EventSource', PlayedSource);
  vi.stubGlobal('navigator', { onLine: true, locks: { request } });
  vi.stubGlobal('document', { visibilityState: 'visible', baseURI: 'http://here/' });
  vi.stubGlobal('location', { pathname: '/', search: '', assign: vi.fn(), reload: vi.fn() });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    if (listed instanceof Error) return Promise.reject(listed);
    const body = path.includes('session') ? { username } : { items: listed };
    return Promise.resolve({ ok: true, status: 200, headers: new Map(), text: () => Promise.resolve(JSON.stringify(body)) });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('tabs of one browser', () => {
  it('share one stream, which follows what each of them follows', async () => {
    await tab();
    const second = await tab();
    second.follow('of-the-second');
    await vi.advanceTimersByTimeAsync(1000);
    expect(open()).toHaveLength(1);
    expect(open()[0]!.lines).toEqual(['of-the-second']);
  });

  it('go on when the one that leads is closed, with all that the others follow', async () => {
    await tab();
    const second = await tab();
    const third = await tab();
    third.follow('of-the-third');
    await vi.advanceTimersByTimeAsync(1000);
    sources.forEach((each) => each.close()); // with the first tab
    const [first] = channels;
    channels.delete(first!);
    first!.postMessage = () => undefined;
    leaderGone(lock());
    await vi.advanceTimersByTimeAsync(1000);
    expect(open()[0]!.lines).toEqual(['of-the-third']);
    open()[0]!.tell('snapshot', { jobs: [{ id: 'a', status: 'running' }] });
    expect(second.live.mark).toBe('live');
    expect(third.live.active.map((job) => job.id)).toEqual(['a']);
  });

  it('of different users tell each other nothing', async () => {
    await tab('ann');
    const other = await tab('bob');
    expect(open()).toHaveLength(2);
    sources[0]!.tell('snapshot', { jobs: [{ id: 'of-ann', status: 'running' }] });
    expect(other.live.active).toEqual([]);
  });

  it('do not wait for one that says nothing any more', async () => {
    await tab();
    const second = await tab();
    sources[0]!.tell('snapshot', { jobs: [] });
    expect(second.live.mark).toBe('live');
    const [first] = channels;
    channels.delete(first!); // frozen: it holds the lock, and neither hears nor speaks
    first!.postMessage = () => undefined;
    await vi.advanceTimersByTimeAsync(120_000);
    const own = open().find((each) => each !== sources[0]);
    expect(own).toBeDefined();
    own!.tell('snapshot', { jobs: [{ id: 'b', status: 'running' }] });
    expect(second.live.active.map((job) => job.id)).toEqual(['b']);
  });

  it('take no harm from what is no message', async () => {
    await tab();
    const second = await tab();
    const liar = new PlayedChannel([...channels][0]!.name);
    for (const lie of [null, 'x', 7, {}, { kind: 'news' }, { kind: 'news', news: { event: 'snapshot' } }, { kind: 'follow' }, { kind: 'mark', mark: 'x' }]) {
      liar.postMessage(lie);
    }
    expect(second.live.active).toEqual([]);
    expect(['live', 'reconnecting']).toContain(second.live.mark);
  });
});

describe('a stream', () => {
  it('that opens and brings nothing is no live one: the list is asked for', async () => {
    const { live } = await tab();
    listed = [{ id: 'a', status: 'running' }];
    sources[0]!.onopen?.();
    await vi.advanceTimersByTimeAsync(7000);
    expect(live.mark).toBe('reconnecting');
    expect(live.active.map((job) => job.id)).toEqual(['a']);
  });

  it('that died without a word is found out, and another is opened', async () => {
    const { live } = await tab();
    sources[0]!.tell('snapshot', { jobs: [] });
    listed = [{ id: 'unheard', status: 'running' }];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(live.active.map((job) => job.id)).toEqual(['unheard']);
    expect(sources.length).toBeGreaterThan(1);
  });

  it('that is merely quiet is left alone', async () => {
    const { live } = await tab();
    sources[0]!.tell('snapshot', { jobs: [] });
    await vi.advanceTimersByTimeAsync(300_000);
    expect(sources).toHaveLength(1);
    expect(live.mark).toBe('live');
    expect(asked.length).toBeLessThan(20);
  });

  it('whose server is gone says so', async () => {
    const { live } = await tab();
    sources[0]!.tell('snapshot', { jobs: [] });
    listed = new TypeError('unreachable');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.mark).toBe('reconnecting');
  });

  it('of somebody else, who logged in meanwhile, begins the page anew', async () => {
    await tab();
    sources[0]!.tell('snapshot', { jobs: [] });
    sources[0]!.onerror?.();
    username = 'bob';
    sources[0]!.tell('snapshot', { jobs: [{ id: 'of-bob', status: 'running' }] });
    await vi.advanceTimersByTimeAsync(100);
    expect(location.reload).toHaveBeenCalled();
  });
});

it('what has ended is not kept for ever', async () => {
  const { live } = await tab();
  for (let count = 0; count < 1000; count += 1) sources[0]!.tell('job', { id: `job-${count}`, status: 'done' });
  expect(live.jobs.size).toBeLessThanOrEqual(250);
  expect(live.jobs.has('job-999')).toBe(true);
});
