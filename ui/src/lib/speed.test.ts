import { expect, test } from 'vitest';
import { add, began, speed, stalled, timeLeft, type Moved } from './speed';

/** `rate` bytes a second, told every half second. */
function moving(seconds: number, rate: (at: number) => number): Moved {
  let [moved, bytes] = [add(began, 0, 0), 0];
  for (let at = 0.5; at <= seconds; at += 0.5) moved = add(moved, at, (bytes += rate(at) / 2));
  return moved;
}

test('the average is over eight seconds', () => {
  expect(speed(moving(4, () => 100), 4)).toBeCloseTo(100);
  expect(speed(moving(20, (at) => (at <= 12 ? 1000 : 100)), 20)).toBeCloseTo(100, 0);
  expect(moving(60, () => 100).length).toBeLessThan(40);
});

test('two samples that arrive together are no speed', () => {
  const moved = add(add(began, 10, 0), 10.02, 12_000_000);
  expect(speed(moved, 10.03)).toBeNull();
  expect(speed(moved, 12)).toBeCloseTo(6_000_000);
});

test('it falls while nothing comes, to nothing', () => {
  const moved = moving(4, () => 100);
  expect(speed(moved, 6)).toBeCloseTo(400 / 6);
  expect(speed(moved, 30)).toBe(0);
});

test('a time is named after three seconds of steady data', () => {
  expect(timeLeft(moving(2, () => 100), 1000, 2)).toBeNull();
  expect(timeLeft(moving(4, () => 100), 1000, 4)).toBeCloseTo(10);
  expect(timeLeft(moving(6, (at) => (at < 3 ? 10 : 400)), 1000, 6)).toBeNull();
  expect(timeLeft(moving(4, () => 100), null, 4)).toBeNull();
});

test('bytes that go back begin anew', () => {
  expect(add(moving(4, () => 100), 4.5, 20)).toEqual([[4.5, 20]]);
});

test('ten seconds without bytes are a stall', () => {
  expect(stalled(0, 9)).toBeNull();
  expect(stalled(0, 12)).toBe(12);
});
