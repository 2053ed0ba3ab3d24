/** The app's address: path and query, by the History API. A view's filter, page and order live in the query. */
import { address, ownPath } from './base';

interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: (ownPath(location.pathname) ?? '/').replace(/(.)\/+$/, '$1'), query: new URLSearchParams(location.search) };
}

let place = $state.raw<Place>(here());

export const route = {
  get path(): string {
    return place.path;
  },
  /** The parts between slashes, percent-decoded. */
  get parts(): string[] {
    return place.path.split('/').filter(Boolean).map(decoded);
  },
  get query(): URLSearchParams {
    return place.query;
  },
};

/** Go to a path of the app, such as `/jobs?status=error`. */
export function go(path: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', address(path));
  const moved = place.path;
  place = here();
  if (place.path !== moved) scrollTo(0, 0);
}

/** Change parts of the query; an empty value takes the name out. Typing replaces the entry, choosing adds one. */
export function setQuery(changes: Record<string, string | number | null | undefined>, replace = true): void {
  const query = new URLSearchParams(place.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  go(place.path + (text ? `?${text}` : ''), replace);
}

/** Links of the app are followed without loading; everything else is the browser's. Called once, by App. */
export function followLinks(): () => void {
  const clicked = (event: MouseEvent) => {
    const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute('download') || link.dataset.whole !== undefined) return;
    const path = ownPath(link.pathname);
    if (path === null) return;
    event.preventDefault();
    go(path + link.search);
  };
  const popped = () => (place = here());
  document.addEventListener('click', clicked);
  addEventListener('popstate', popped);
  return () => {
    document.removeEventListener('click', clicked);
    removeEventListener('popstate', popped);
  };
}

/** The href of a path of the app, for links that open in a new tab too. */
export const href = address;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
