/** A job's lines as text, for reading, copying and keeping. */
import type { LogLine } from './job.svelte';

export function lineText({ data }: LogLine): string {
  const detail = data.progressDetail as { current?: number; total?: number } | undefined;
  const amount = detail?.total ? ` ${detail.current ?? 0}/${detail.total}` : '';
  if (data.id) return `${data.target ? `${String(data.target)} ` : ''}${data.id}: ${data.status ?? ''}${amount}`;
  if (data.status === 'error') return `error: ${String(data.error)}${data.hint ? `\n  ${String(data.hint)}` : ''}`;
  return data.message ?? data.status ?? JSON.stringify(data);
}

export const logText = (lines: readonly LogLine[]): string => lines.map(lineText).join('\n') + '\n';
