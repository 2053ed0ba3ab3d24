/** Jobs as people speak of them, and what may be done with one. */
import { post, remove } from './api';
import { short } from './format';
import type { Job } from './live.svelte';
import { newKey } from './keys';
import { can, me } from './session.svelte';

export const KINDS: Record<string, string> = {
  push: 'Push', pull: 'Pull', copy: 'Copy', import: 'Import', distribute: 'Distribute', scan: 'Scan', 'scan-fleet': 'Scan of all images',
  rematch: 'Matching with newer advisories', advisories: 'Advisories', 'scanner-update': 'Scanner data', gc: 'Clean-up of storage', retention: 'Retention',
};
export const STATES: Job['status'][] = ['queued', 'running', 'done', 'error', 'cancelled', 'interrupted'];
/** Kinds that move bytes, and are drawn so. */
export const TRANSFERS = new Set(['push', 'pull', 'copy', 'import', 'distribute']);

export const kindOf = (kind: string): string => KINDS[kind] ?? kind;
/** The image that a job is about; of an import, once it has ended, the one it brought. */
export function imageOf(job: Pick<Job, 'image' | 'result'>): string {
  const brought = job.result && 'images' in job.result && Array.isArray(job.result.images) ? job.result.images : [];
  const name = job.image ?? brought[0]?.name ?? brought[0]?.id ?? '';
  return `${name.startsWith('sha256:') ? short(name) : name}${brought.length > 1 ? ` and ${brought.length - 1} more` : ''}`;
}

/** `Push web:1.4 to ghcr.io/acme/web:1.4` */
export function titleOf(job: Job): string {
  const [first, ...more] = job.targets;
  const where = first ? ` to ${first}${more.length ? ` and ${more.length} more` : ''}` : '';
  return `${kindOf(job.kind)}${imageOf(job) ? ` ${imageOf(job)}` : ''}${where}`;
}

/** Whether it may be cancelled and tried again by who looks: their own, or by permission. */
export const mayChange = (job: Pick<Job, 'username' | 'environmentId'>): boolean => (!!job.username && job.username === me.name) || can('jobs:edit', job.environmentId);

export const cancelJob = (job: Pick<Job, 'id'>): Promise<unknown> => remove('/api/jobs/{id}', { path: { id: job.id } });

/** The same again, as a new job; its id. */
export async function runAgain(job: Pick<Job, 'id'>, key = newKey()): Promise<string> {
  return startedJob(await post('/api/jobs/{id}/retry', { path: { id: job.id }, headers: { 'idempotency-key': key } }));
}

/** The job of an answer. The app asks with any type accepted, or the server would answer at the job's end. */
export function startedJob(answer: object | undefined): string {
  return answer && 'jobId' in answer ? String(answer.jobId) : '';
}

export const againLabel = (job: Job): string => (job.status === 'done' ? 'Run again' : job.kind === 'distribute' && job.status === 'error' ? 'Retry failed hosts' : 'Try again');

/** How long it has taken, in seconds. */
export function tookOf(job: Job): number | null {
  return job.startedAt && job.endedAt ? (Date.parse(job.endedAt) - Date.parse(job.startedAt)) / 1000 : null;
}

export function waitingOf(job: Job, zone: string): string {
  if (!job.waiting) return '';
  if (job.waiting === 'queue') return 'waiting for its turn';
  const until = job.waitingUntil ? ` until ${new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: zone || undefined }).format(new Date(job.waitingUntil))}` : '';
  return `waiting: ${job.waiting}${until}`;
}
