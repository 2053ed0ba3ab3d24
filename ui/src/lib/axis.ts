/** Where an axis has its marks. Pure. */

/** At most `most` round values from 0 to `highest` and one beyond: 1, 2 or 5 times a power of ten apart. */
export function steps(highest: number, most = 4): number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? 10 * power;
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, index) => index * step);
}

/** Places of at most `most` of `count` things, evenly apart, the last among them. */
export function spread(count: number, most: number): number[] {
  const apart = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % apart === 0);
}
