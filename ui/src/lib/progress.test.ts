import { describe, expect, test } from 'vitest';
import fixture from '../../../tests/fixtures/jobs.json?raw';
import { counted, ending, overall, rows, steps, targetName } from './drawing';
import { NOTHING, withEnd, withLines, withTick, type LayerTold, type Progress, type Told, type Totals } from './progress';

interface Recorded {
  name: string;
  verb: string;
  totals: Totals;
  layers: Record<string, Record<string, string>>;
  steps: { at: number; event: { event: string; target: string }; lines: Told[]; tick?: { layers: LayerTold[]; progress: Totals } }[];
}
// The same file is read by tests/unit/wire/test_jobs_retold.py, against what the command line counts.
const recorded = (JSON.parse(fixture) as { jobs: Recorded[] }).jobs;

function replay(job: Recorded, seen: (progress: Progress, at: number) => void = () => {}): Progress {
  let progress = NOTHING;
  for (const step of job.steps) {
    progress = withLines(progress, step.lines, step.at);
    if (step.tick) progress = withTick(progress, { layers: step.tick.layers, totals: step.tick.progress }, step.at);
    seen(progress, step.at);
  }
  return progress;
}

describe.each(recorded)('$name', (job) => {
  const first = job.steps.find((step) => step.event.event === 'planned')?.event.target ?? '';

  test('comes to the totals and the layers that the command line counts', () => {
    const progress = withEnd(replay(job), 'done', job.totals);
    expect(progress.totals).toEqual(job.totals);
    for (const [target, layers] of Object.entries(job.layers)) {
      const found = rows(progress, job.verb, 0, target === first ? '' : target);
      expect(Object.fromEntries(found.map(({ layer }) => [layer.id, layer.state]))).toEqual(layers);
      expect(found.every((row) => row.part === 1)).toBe(true);
    }
  });

  test('never counts more than there is, nor goes back', () => {
    let moved = 0;
    const last = replay(job, (progress, at) => {
      const now = overall(progress, at, true);
      expect(now.moved).toBeGreaterThanOrEqual(moved);
      moved = now.moved;
      expect(now.part ?? 0).toBeLessThanOrEqual(1);
      expect(now.toMove ?? 0).toBeLessThanOrEqual(job.totals.image ?? 0);
    });
    // Layers have lines; config and manifest are in the totals alone.
    const layers = counted(last);
    expect(job.totals.image! - layers.image!).toBeLessThan(10_000);
    expect(layers.mounted).toBe(job.totals.mounted);
  });

  test('is at its last step when it is done', () => {
    const progress = replay(job);
    const kind = job.name.startsWith('copy') ? 'copy' : job.verb;
    expect(steps(progress, kind, 'running', Object.keys(job.layers).length).filter((step) => step.state !== 'done')).toEqual([]);
  });
});

const line = (status: string, more: Partial<LayerTold> = {}): Told => ({ id: 'a', status, progressDetail: {}, ...more }) as Told;
const one = (...lines: Told[]): Progress => withLines(NOTHING, lines, 0);

test('a layer is labelled and sized by its first line, and counts when it was there', () => {
  const progress = one(line('Preparing', { size: 500, label: 'RUN make' }), line('Layer already exists'));
  expect(rows(progress, 'push', 0)[0]).toMatchObject({ part: 1, words: 'already there', layer: { label: 'RUN make', current: 500 } });
  expect(counted(progress)).toMatchObject({ image: 500, exists: 500, sent: 0 });
});

test('a retry says which attempt, and when', () => {
  const progress = one(line('Pushing', { progressDetail: { current: 5, total: 9 } }), line('Retrying in 4 seconds', { progressDetail: { current: 5, total: 9 } }));
  expect(rows(progress, 'push', 1)[0]?.words).toBe('retrying, attempt 2 in 3 s');
  expect(rows(progress, 'push', 9)[0]?.words).toBe('retrying, attempt 2');
  expect(ending(overall(progress, 12, true))).toBe('stalled 12 s');
});

test('a late tick does not bring a finished layer back', () => {
  const done = one(line('Preparing', { size: 9 }), line('Pushed'));
  const progress = withTick(done, { layers: [{ id: 'a', status: 'Pushing', progressDetail: { current: 3, total: 9 } }], totals: null }, 1);
  expect(progress.layers.get(' a')).toMatchObject({ state: 'done', current: 9 });
});

test('after an error what moved has failed, and what had not begun was given up', () => {
  const progress = withEnd(one(line('Pushing', { progressDetail: { current: 1, total: 9 } }), { ...line('Waiting'), id: 'b' }), 'error', null);
  expect([...progress.layers.values()].map((layer) => layer.state)).toEqual(['failed', 'cancelled']);
});

test('a daemon that has not told all sizes gives a least total and no saving', () => {
  const progress = withTick(one(line('Pushing', { progressDetail: { current: 1, total: 9 } })), { totals: { image: null, sent: 1, kept: 0, exists: 0, mounted: 0, left: null } }, 1);
  expect(overall(progress, 1, true)).toMatchObject({ atLeast: true, saved: null, moved: 1, toMove: 9, left: null });
  const further = withLines(progress, [{ ...line('Pushing', { progressDetail: { current: 6, total: 6 } }), id: 'b' }], 2);
  expect(overall(further, 2, true)).toMatchObject({ moved: 7, toMove: 15 });
});

test('rows: active ones by size, then those to come, then those that are through', () => {
  const told = [line('Pushed'), { ...line('Waiting'), id: 'b' }, { ...line('Pushing', { progressDetail: { current: 1, total: 5 } }), id: 'c' }, { ...line('Pushing', { progressDetail: { current: 1, total: 50 } }), id: 'd' }];
  expect(rows(one(...told), 'push', 0).map((row) => row.layer.id)).toEqual(['d', 'c', 'b', 'a']);
});

test('the target that lines do not name is the one that the others leave over', () => {
  const targets = ['acme/one:1', 'ghcr.io/acme/two:1'];
  expect(targetName('', ['', 'ghcr.io/acme/two:1'], targets)).toBe('acme/one:1');
  expect(targetName('', ['', 'docker.io/acme/one:1'], targets)).toBe('ghcr.io/acme/two:1');
  expect(targetName('', [''], targets)).toBe('acme/one:1');
});

test('a distribution is drawn by its hosts', () => {
  const host = (status: string, more: object = {}): Told => ({ id: 'edge-1', status, ...more });
  const progress = one(host('Asking the host to fetch it'), host('Pushing', { progressDetail: { current: 4, total: 8 } }), host('Failed: it is away', { hint: 'Start its agent.' }));
  expect(rows(progress, 'distribute', 0)[0]?.layer).toMatchObject({ id: 'edge-1', state: 'failed', detail: 'Failed: it is away. Start its agent.' });
});

test('lines that are read again after a newer tick take no byte back, a new attempt does', () => {
  const moving = line('Pushing', { progressDetail: { current: 0, total: 9 } });
  const ticked = withTick(NOTHING, { layers: [line('Pushing', { progressDetail: { current: 7, total: 9 } }) as unknown as LayerTold], totals: null }, 0);
  const again = withLines(ticked, [line('Preparing'), moving], 1);
  expect(again.layers.get(' a')).toMatchObject({ state: 'moving', current: 7 });
  expect(withLines(again, [line('Retrying in 2 seconds'), moving], 2).layers.get(' a')).toMatchObject({ state: 'moving', current: 0 });
});

test('a transfer that asks for signatures, or makes them, has these steps', () => {
  const step = (kind: string, ...statuses: string[]) => steps(one(...statuses.map((status): Told => ({ status, message: '' }))), kind, 'running', 1).map(({ name, state }) => `${name} ${state}`);
  expect(step('pull', 'verifying')[0]).toBe('trust active');
  expect(step('pull', 'verifying', 'unverified')[0]).toBe('trust done');
  expect(step('push', 'signing')).toContain('sign active');
  expect(step('copy', 'verifying', 'verified', 'signing', 'signed')).toEqual(expect.arrayContaining(['trust done', 'sign done']));
  expect(step('push').join()).not.toContain('sign');
});
