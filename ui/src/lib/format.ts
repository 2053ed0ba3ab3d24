/** How figures and times are written: decimal units as docker prints them, times as they are said. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `51.4 MB`; three significant digits, as a column of them reads best. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '–';
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(value >= 9.995 ? 1 : 2).replace(/\.?0+$/, '')} ${UNITS[unit]}`;
}

/** `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (seconds < 9.95 && whole !== seconds) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86400) return pair(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return pair(Math.floor(whole / 86400), 'd', Math.floor((whole % 86400) / 3600), 'h');
}

/** `just now`, `3 min ago`, `in 2 d`. */
export function relative(when: Date, now: Date = new Date()): string {
  const seconds = (now.getTime() - when.getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return 'just now';
  const [count, unit] =
    size < 60 ? [size, 's'] : size < 3600 ? [size / 60, 'min'] : size < 86400 ? [size / 3600, 'h'] : size < 86400 * 60 ? [size / 86400, 'd'] : size < 86400 * 730 ? [size / 86400 / 30.44, 'months'] : [size / 86400 / 365.25, 'years'];
  const said = `${Math.floor(count)} ${unit}`;
  return seconds > 0 ? `${said} ago` : `in ${said}`;
}

/** In the chosen time zone: `2026-11-22 14:05:09`. */
export function absolute(when: Date, zone?: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone || undefined });
  return parts.format(when);
}

/** `sha256:3f1c0a22…` as `3f1c0a22…` of twelve digits. */
export function short(digest: string | null | undefined): string {
  if (!digest) return '–';
  return digest.replace(/^sha(256|512):/, '').slice(0, 12);
}

export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0;
}

export function plural(count: number, one: string, many = one.replace(/([^aeiou])y$/, '$1ie') + 's'): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function pair(large: number, unit: string, small: number, smaller: string): string {
  return small ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`;
}
