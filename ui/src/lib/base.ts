/** Where the app is mounted, as the server says in <base>: `/` or, behind a proxy, `/lading/`. */
export const base: string = typeof document === 'undefined' ? '/' : new URL(document.baseURI).pathname.replace(/[^/]*$/, '');

/** A path of the app or the API (`/jobs`) as an address on this server. */
export function address(path: string): string {
  return base + path.replace(/^\/+/, ''); // two slashes would begin another host
}

/** The app's own path of an address; null where that is not below the app. */
export function ownPath(pathname: string): string | null {
  return pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : null;
}
