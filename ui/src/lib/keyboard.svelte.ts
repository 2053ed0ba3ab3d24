/** Keys that work everywhere: `/` search, Ctrl or Cmd K palette, `g` and a letter to go somewhere, `?` help. */
import { pathOf, PLACES } from './places';
import { go } from './router.svelte';

let overlay = $state<'palette' | 'help' | null>(null);
let goTo = false;

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

function pressed(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    overlay = overlay === 'palette' ? null : 'palette';
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return;
  if (goTo) {
    goTo = false;
    const place = PLACES.find((each) => each.key === event.key);
    if (place) {
      event.preventDefault();
      go(`/${pathOf(place)}`);
    }
  } else if (event.key === 'g') goTo = true;
  else if (event.key === '?') overlay = 'help';
  else if (event.key === '/') {
    event.preventDefault();
    const field = document.querySelector<HTMLInputElement>('main [data-search]');
    if (field) field.focus();
    else overlay = 'palette';
  }
}

export const keyboard = {
  get overlay(): 'palette' | 'help' | null {
    return overlay;
  },
  set overlay(wanted: 'palette' | 'help' | null) {
    overlay = wanted;
  },
  listen(): () => void {
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  },
};
