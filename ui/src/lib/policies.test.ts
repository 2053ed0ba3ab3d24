import { describe, expect, it } from 'vitest';
import { ageOf, reasons } from './policies';

const found = (severity: 'critical' | 'high', fixedVersion?: string) => ({ id: 'CVE-1', package: 'a', version: '1', severity, ...(fixedVersion ? { fixedVersion } : {}) });

describe('why a policy said no', () => {
  it('counts by severity, and says where all have a fix', () => {
    expect(reasons({ blocking: [found('critical', '2'), found('critical', '2'), found('high', '3')], blocked: 3, doubts: [] })).toBe('2 critical, 1 high with a fix');
  });
  it('tells of what is not listed, and of doubts', () => {
    expect(reasons({ blocking: [found('high')], blocked: 5, doubts: ['it was not scanned'] })).toBe('1 high, 4 more; it was not scanned');
    expect(reasons({ blocking: [], blocked: 0, doubts: ['it was not scanned'] })).toBe('it was not scanned');
  });
});

describe('the age of data', () => {
  it('is old after a week', () => {
    const now = new Date('2026-11-22T00:00:00Z');
    expect(ageOf('2026-11-15T00:00:00Z', now)).toEqual({ day: '2026-11-15', days: 7, old: false });
    expect(ageOf('2026-11-01T00:00:00.000Z', now)?.old).toBe(true);
    expect(ageOf(null, now)).toBeNull();
    expect(ageOf('unknown', now)).toBeNull();
  });
});
