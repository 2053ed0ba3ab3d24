import { describe, expect, it } from 'vitest';
import { isWhole, patterns, retentionText, ruleText, type Rule } from './own';
import { limitText, referenceOf } from './registries';

describe('rules as sentences', () => {
  const rule: Rule = { tags: ['v*'], excepts: ['*-dev'], protects: 'overwrite', releases: 'age', afterSeconds: 86400 * 30 };
  it('says which tags, against what and for how long', () => {
    expect(ruleText(rule)).toBe('Tags like v* except *-dev may not be overwritten for 30 days after it last moved.');
    expect(ruleText({ ...rule, repositories: ['a/**'], tags: ['**'], releases: 'never' })).toBe('In a/**: Every tag except *-dev may not be overwritten.');
  });
  it('knows the rule of the switch', () => {
    expect(isWhole({ tags: ['**'], protects: 'both', releases: 'administrator' })).toBe(true);
    expect(isWhole({ tags: ['**'], protects: 'both', releases: 'never' })).toBe(false);
  });
  it('says what stays', () => {
    expect(retentionText({ tags: ['**'], keepNewest: 2, untaggedAfterDays: 7 })).toBe('Of all tags, the newest 2 stay. Images without a tag go after 7 days.');
    expect(retentionText({ repositories: ['**'], tags: ['dev-*'] })).toBe('Of tags like dev-*, nothing stays by this rule.');
  });
  it('cuts patterns at blanks and commas', () => expect(patterns(' v*, latest  x ')).toEqual(['v*', 'latest', 'x']));
});

describe('registries', () => {
  it('writes a path of its own once', () => {
    expect(referenceOf({ url: 'https://r.example/team/' }, 'app', '1')).toBe('r.example/team/app:1');
    expect(referenceOf({ url: 'r.example/team' }, 'team/app')).toBe('r.example/team/app');
  });
  it('says what is left', () => expect([limitText({ remaining: 3, limit: 10 }), limitText({ remaining: 3 })]).toEqual(['3 of 10 more requests', '3 more requests']));
});
