import { expect, test } from 'vitest';
import { spread, steps } from './axis';

test('an axis has round marks that reach past the highest value', () => {
  expect(steps(84_200_000)).toEqual([0, 50_000_000, 100_000_000]);
  expect(steps(3)).toEqual([0, 1, 2, 3]);
  expect(steps(0)).toEqual([0, 1]);
  for (const highest of [0.3, 7, 99, 101, 5e12]) {
    const found = steps(highest);
    expect(found.at(-1)).toBeGreaterThanOrEqual(highest);
    expect(found.length).toBeLessThanOrEqual(6);
  }
});

test('marks along time are evenly apart and end with the newest', () => {
  expect(spread(24, 6)).toEqual([3, 7, 11, 15, 19, 23]);
  expect(spread(3, 6)).toEqual([0, 1, 2]);
  expect(spread(0, 6)).toEqual([]);
});
