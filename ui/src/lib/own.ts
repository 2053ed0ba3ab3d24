/** Our own registry as others write it. */
import type { Shape } from './api';

/** Its host: what the setting says, else the host in this page's address, on the registry's port. */
export function hostHere(address: Shape<'RegistryAddress'>): string {
  return address.url?.replace(/^https?:\/\//, '') ?? `${location.hostname}:${address.port}`;
}

export type Rule = Shape<'ProtectionRule'>;

/** What somebody typed, as patterns: `v*, latest` are two. */
export const patterns = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** `In team/*: `, of a rule of the whole registry that is not for all of it. */
const within = (rule: { repositories?: string[] }): string => (rule.repositories?.length && rule.repositories[0] !== '**' ? `In ${rule.repositories.join(', ')}: ` : '');

/** The rule of a switch: every tag, against everything, until an administrator lets go. */
export const isWhole = (rule: Rule): boolean =>
  rule.tags.length === 1 && rule.tags[0] === '**' && !rule.excepts?.length && rule.protects === 'both' && rule.releases === 'administrator';

/** A rule of protection as a sentence. */
export function ruleText(rule: Rule): string {
  const what = { overwrite: 'may not be overwritten', delete: 'may not be removed', both: 'may be neither overwritten nor removed' }[rule.protects];
  const which = rule.tags.length === 1 && rule.tags[0] === '**' ? 'Every tag' : `Tags like ${rule.tags.join(', ')}`;
  const but = rule.excepts?.length ? ` except ${rule.excepts.join(', ')}` : '';
  const until = rule.releases === 'age' ? ` for ${days(rule.afterSeconds ?? 0)} after it last moved` : '';
  return `${within(rule)}${which}${but} ${what}${until}.`;
}

export type Retention = Shape<'RetentionRule'>;

/** A rule of retention as a sentence. */
export function retentionText(rule: Retention): string {
  const which = rule.tags?.length && !(rule.tags.length === 1 && rule.tags[0] === '**') ? `Of tags like ${rule.tags.join(', ')}` : 'Of all tags';
  const kept = [
    rule.keepTags?.length ? `those like ${rule.keepTags.join(', ')}` : null,
    rule.keepNewest !== undefined ? `the newest ${rule.keepNewest}` : null,
    rule.keepPushedDays !== undefined ? `what was pushed in the last ${rule.keepPushedDays} days` : null,
    rule.keepPulledDays !== undefined ? `what was pulled in the last ${rule.keepPulledDays} days` : null,
  ].filter(Boolean);
  const untagged = rule.untaggedAfterDays !== undefined ? ` Images without a tag go after ${rule.untaggedAfterDays} days.` : '';
  return `${within(rule)}${which}, ${kept.length ? `${kept.join(', and ')} stay` : 'nothing stays by this rule'}.${untagged}`;
}

function days(seconds: number): string {
  const count = seconds / 86400;
  return count >= 1 ? `${Math.round(count * 10) / 10} days` : `${Math.round(seconds / 360) / 10} hours`;
}
