/** A policy as a sentence. */
import type { Shape } from './api';

type Policy = Omit<Shape<'Policy'>, 'id'>;

export function policyText(row: Policy): string {
  const what = row.counts
    ? `at most ${Object.entries(row.counts).map(([severity, most]) => `${most} ${severity}`).join(', ')}`
    : row.maxSeverity ? `nothing above ${row.maxSeverity}` : null;
  const of = [row.onlyFixed ? 'that has a fix' : null, row.minAgeDays !== null ? `known for ${row.minAgeDays} days` : null].filter(Boolean).join(', ');
  const parts = [
    what ? `${what}${of ? `, of what ${of.replace(/^that /, '')}` : ''}` : null,
    row.kevBlocks ? 'nothing that is known to be exploited' : null,
    row.compare.startsWith('not_worse_than:') ? 'no worse than another image' : null,
    row.unscanned === 'block' ? 'a scan' : null,
    row.scanFailed === 'block' ? 'a scan that worked' : null,
    row.dbMaxAgeH !== null ? `data at most ${row.dbMaxAgeH} hours old` : null,
  ].filter(Boolean);
  return parts.length ? `${parts.join('; ')}.` : 'nothing.';
}

/** Why a policy said no: `2 critical with a fix; it was not scanned`. */
export function reasons(row: Pick<Shape<'VerdictRow'>, 'blocking' | 'blocked' | 'doubts'>): string {
  const more = row.blocked - row.blocking.length;
  const found = Object.entries(bySeverity(row.blocking)).map(([severity, count]) => `${count} ${severity}`).concat(more > 0 ? [`${more} more`] : []).join(', ');
  const fixed = row.blocking.length && row.blocking.every((each) => each.fixedVersion) ? ' with a fix' : '';
  return [found + fixed, ...row.doubts].filter(Boolean).join('; ');
}

const DAYS = 7;

/** The day that a scanner's data are of, where it says one; and whether much may have come since. */
export function ageOf(data: string | null | undefined, now = new Date()): { day: string; days: number; old: boolean } | null {
  const at = Date.parse(data ?? '');
  if (!data || Number.isNaN(at)) return null;
  const days = Math.floor((now.getTime() - at) / 86_400_000);
  return { day: data.slice(0, 10), days, old: days > DAYS };
}

/** How many there are of each severity. */
export function bySeverity(rows: readonly { severity: Shape<'Severity'> }[]): Partial<Record<Shape<'Severity'>, number>> {
  const counts: Partial<Record<Shape<'Severity'>, number>> = {};
  for (const { severity } of rows) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}
