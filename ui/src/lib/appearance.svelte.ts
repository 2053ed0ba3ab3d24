/** Theme and time zone, kept in this browser alone. */
import { keep, kept } from './kept';

export type Theme = 'system' | 'light' | 'dark';

interface Appearance {
  theme: Theme;
  zone: string;
}

function last(): Appearance {
  const { theme, zone } = (kept('appearance') ?? {}) as Partial<Appearance>;
  return { theme: theme === 'light' || theme === 'dark' ? theme : 'system', zone: typeof zone === 'string' ? zone : '' };
}

export const appearance = $state<Appearance>(last());

const dark = matchMedia('(prefers-color-scheme: dark)');

export function applyAppearance(): void {
  const theme = appearance.theme === 'system' ? (dark.matches ? 'dark' : 'light') : appearance.theme;
  document.documentElement.dataset.theme = theme;
  keep('appearance', appearance);
}

dark.addEventListener('change', applyAppearance);
