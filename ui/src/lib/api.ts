/** The REST API as the app calls it: typed by the server's own OpenAPI document, failing only with `ApiError`. Any type is
 *  accepted: of a job, the server answers at its end to whoever asks for JSON alone. */
import { address, ownPath } from './base';
import type { components, paths } from './schema';

export type Shape<Name extends keyof components['schemas']> = components['schemas'][Name];

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Has<V extends Verb> = { [P in keyof paths]: paths[P] extends Record<V, { responses: unknown }> ? P : never }[keyof paths];
type Operation<P extends keyof paths, V extends Verb> = V extends keyof paths[P] ? paths[P][V] : never;
type Json<R> = R extends { content: { 'application/json': infer Body } } ? Body : undefined;
type Answer<O> = O extends { responses: infer R }
  ? 200 extends keyof R ? Json<R[200]> : 201 extends keyof R ? Json<R[201]> : undefined
  : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never;
type Path<O> = O extends { parameters: { path: infer P } } ? P : never;
type Sent<O> = O extends { requestBody?: { content: { 'application/json': infer Body } } } ? Body : never;

export interface Asked<O> {
  query?: Query<O>;
  path?: Path<O>;
  body?: Sent<O>;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Is given the headers of an answer that is none of refusal. */
  told?: (answered: Headers) => void;
}

/** What the server said instead: the sentence, and where it knows, what to do (`hint`). Status 0: it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly text: string,
    readonly code: string | null = null,
    readonly hint: string | null = null,
    readonly detail: unknown = null,
  ) {
    super(text);
  }
}

/** The message of every answer to whoever is not logged in, or not any more. */
const NOBODY = 'Authentication required';

/** What was caught, as the refusal that can be shown. */
export const apiError = (caught: unknown): ApiError => (caught instanceof ApiError ? caught : new ApiError(0, String(caught)));

export const get = caller('get');
export const post = caller('post');
export const put = caller('put');
export const patch = caller('patch');
export const remove = caller('delete');

function caller<V extends Verb>(verb: V) {
  return async <P extends Has<V>>(path: P, asked: Asked<Operation<P, V>> = {}): Promise<Answer<Operation<P, V>>> => {
    const filled = fill(path as string, asked.path as Record<string, unknown> | undefined);
    return (await send(verb, filled + search(asked.query as Record<string, unknown> | undefined), asked)) as Answer<Operation<P, V>>;
  };
}

type Lists = { [P in Has<'get'>]: Extract<Answer<Operation<P, 'get'>>, { items: unknown[] }> extends never ? never : P }[Has<'get'>];

/** One page of a list: `{items, total, next?}`. */
export async function page<P extends Lists>(path: P, asked: Asked<Operation<P, 'get'>> = {}) {
  return (await get(path, asked)) as Extract<Answer<Operation<P, 'get'>>, { items: unknown[] }>; // as `page` was asked for
}

/** What a table asks with: one page of this list after the other. */
export const paged =
  <P extends Lists>(path: P) =>
  ({ page: number, limit, filter }: { page: number; limit: number; filter: string }, signal: AbortSignal) =>
    page(path, { query: { page: number, limit, filter } as Query<Operation<P, 'get'>>, signal }); // every list has these three

/** A whole list, where it is short by its nature: environments, roles. */
export async function all<P extends Lists>(path: P, asked: Asked<Operation<P, 'get'>> = {}) {
  return (await get(path, asked)) as Extract<Answer<Operation<P, 'get'>>, readonly unknown[]>; // as no `page` was asked for
}

/** Any request to the API; the answer's JSON, or undefined where it has none. */
export async function send(
  verb: string,
  path: string,
  { body, signal, headers, told }: { body?: unknown; signal?: AbortSignal; headers?: Record<string, string>; told?: (answered: Headers) => void } = {},
): Promise<unknown> {
  const raw = body instanceof Blob || body instanceof ArrayBuffer;
  let response: Response;
  try {
    response = await fetch(address(path), {
      method: verb.toUpperCase(),
      headers: { ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
      signal: signal ?? null,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The server cannot be reached.', 'network', 'Check that it runs and that this machine is online.');
  }
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) {
    told?.(response.headers);
    return answer;
  }
  const refused = refusal(response.status, answer);
  // A wrong password in a form is refused with this status too.
  if (response.status !== 401 || refused.text !== NOBODY) throw refused;
  if (!document.querySelector('dialog[open]')) leaveForLogin();
  throw new ApiError(401, 'You are not logged in any more.', null, 'What you typed stays: log in in another tab, then go on here.');
}

/** What a refusal says; a proxy between us may have answered with no JSON at all. */
function refusal(status: number, answer: unknown): ApiError {
  if (typeof answer === 'object' && answer !== null && 'error' in answer) {
    const { error, message, code, hint, detail } = answer as Record<string, unknown>;
    const text = status === 401 && typeof message === 'string' ? message : String(error);
    return new ApiError(status, text, word(code), word(hint), detail ?? null);
  }
  return new ApiError(status, `The server answered with status ${status}.`);
}

let leaving = false;
// The page may come back as it was: by the browser's Back, or because the login page did not answer.
addEventListener('pageshow', () => {
  leaving = false;
});

/**
 * To the login page and back here; what was typed is lost, so not while a dialog is open.
 * Once, however many requests are refused together: a second navigation breaks the first one off.
 */
export function leaveForLogin(): void {
  if (leaving) return;
  leaving = true;
  const here = (ownPath(location.pathname) ?? '/') + location.search;
  location.assign(address(`/login?next=${encodeURIComponent(here)}`));
}

/** A query string of what is set; lists become repeated names. */
export function search(query: Record<string, unknown> | undefined): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== '') pairs.append(name, String(each));
    }
  }
  const text = pairs.toString();
  return text ? `?${text}` : '';
}

function fill(path: string, values: Record<string, unknown> | undefined): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values?.[name] ?? '')));
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function word(value: unknown): string | null {
  return typeof value === 'string' && value ? value : null;
}
