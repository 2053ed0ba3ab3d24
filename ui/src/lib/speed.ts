/** How fast bytes move: a moving average, and what follows from it where it is steady. */
const WINDOW = 8;
const SPACING = 0.25;
/** Seconds of data before a time is named. */
const ENOUGH = 3;
/** Over less than so long a speed says more of how samples arrive than of the line. */
const SHORTEST = 1;
const STALLED = 10;

/** Samples of the last `WINDOW` seconds: when, and how many bytes had moved by then. */
export type Moved = readonly (readonly [at: number, bytes: number])[];

export const began: Moved = [];

/** One more sample; close ones are one, and where bytes went back (an attempt began anew) the window begins there. */
export function add(moved: Moved, at: number, bytes: number): Moved {
  const last = moved.at(-1);
  if (last && bytes < last[1]) return [[at, bytes]];
  const before = moved.at(-2);
  const kept = last && before && at - before[0] < SPACING ? moved.slice(0, -1) : moved;
  const start = kept.findIndex(([when]) => at - when <= WINDOW);
  return [...(start > 0 ? kept.slice(start) : start < 0 ? [] : kept), [at, bytes]];
}

/** Bytes a second as of `now`; null before there are two samples and a second of them, 0 where nothing came for the whole window. */
export function speed(moved: Moved, now: number): number | null {
  const recent = moved.filter(([when]) => now - when <= WINDOW);
  const [first, last] = [recent[0] ?? moved.at(-1), recent.at(-1) ?? moved.at(-1)];
  if (!first || !last || moved.length < 2) return null;
  const seconds = Math.max(now, last[0]) - first[0];
  return seconds >= SHORTEST ? Math.max(0, last[1] - first[1]) / seconds : null;
}

/** Seconds left, where that can be said: after three seconds of data whose two halves are alike. */
export function timeLeft(moved: Moved, left: number | null, now: number): number | null {
  const [first, last] = [moved[0], moved.at(-1)];
  if (left === null || !first || !last || last[0] - first[0] < ENOUGH) return null;
  const middle = first[0] + (last[0] - first[0]) / 2;
  const turn = moved.reduce((best, each) => (Math.abs(each[0] - middle) < Math.abs(best[0] - middle) ? each : best), first);
  const [early, late] = [rate(first, turn), rate(turn, last)];
  if (!early || !late || early > 2.5 * late || late > 2.5 * early) return null;
  const now_ = speed(moved, now);
  return now_ ? left / now_ : null;
}

/** For how long nothing has moved, where that is long. */
export function stalled(lastMoved: number | null, now: number): number | null {
  return lastMoved !== null && now - lastMoved >= STALLED ? now - lastMoved : null;
}

function rate(from: Moved[number], to: Moved[number]): number {
  return to[0] > from[0] ? (to[1] - from[1]) / (to[0] - from[0]) : 0;
}
