/** How environments and registries stand: asked in the background, few at a time, kept for the next look at the list. */
import { apiError, page, post, type Shape } from './api';
import { keep, kept } from './kept';
import { can } from './session.svelte';

const AT_ONCE = 4;

/** What was found of each by its id. What was found less than `fresh` ms ago is not asked for again. */
class Standings<T extends { at: Date }> {
  #known = $state.raw<ReadonlyMap<number, T>>(new Map());
  #waiting: number[] = [];
  #asking = 0;

  constructor(readonly ask: (id: number) => Promise<T>, readonly fresh: number) {}

  of(id: number): T | undefined {
    return this.#known.get(id);
  }
  /** Look anew at these; what was known of them stays until then. */
  look(ids: number[], anew = false): void {
    this.#waiting.push(...ids.filter((id) => !this.#waiting.includes(id) && (anew || Date.now() - (this.of(id)?.at.getTime() ?? 0) > this.fresh)));
    this.#next();
  }
  found(id: number, standing: T): void {
    this.#known = new Map(this.#known).set(id, standing);
  }
  #next(): void {
    while (this.#asking < AT_ONCE && this.#waiting.length) {
      const id = this.#waiting.shift()!;
      this.#asking += 1;
      void this.ask(id).then((standing) => this.found(id, standing)).finally(() => {
        this.#asking -= 1;
        this.#next();
      });
    }
  }
}

export interface Host {
  reached: boolean | null;
  /** What Docker says of itself: "Docker 28.2.2 (API 1.50)"; or why it was not reached. */
  said: string;
  images: number | null;
  /** Milliseconds that the trial took, there and back through this server. */
  took: number | null;
  at: Date;
  /** As it was when it was reached last, in this browser. */
  last: { said: string; images: number | null; at: string } | null;
}

async function askHost(id: number): Promise<Host> {
  const began = performance.now();
  let [reached, said, images, took]: [boolean | null, string, number | null, number | null] = [null, '', null, null];
  try {
    if (can('environments:edit', id)) {
      const report = await post('/api/environments/{id}/test', { path: { id } });
      reached = report.success;
      said = report.error ?? report.steps.filter((step) => step.detail).at(-1)?.detail ?? '';
      took = reached ? performance.now() - began : null;
    }
    // A host that is not reached is not asked once more.
    if (reached !== false && can('images:view', id)) {
      images = (await page('/api/images', { query: { env: id, page: 1, limit: 1 } })).total;
      reached = true;
    }
  } catch (caught) { [reached, said] = [false, apiError(caught).text]; }
  const at = new Date();
  if (reached) keep('hosts', { ...lastHosts(), [id]: { said, images, at: at.toISOString() } });
  return { reached, said, images, took, at, last: lastHosts()[id] ?? null };
}

const lastHosts = () => (kept('hosts') ?? {}) as Record<number, NonNullable<Host['last']>>; // as askHost kept them

export const tookText = (took?: number | null): string => (took ? `${Math.round(took)} ms` : '–');

export type Tested = Shape<'RegistryTestReport'> & { at: Date };

export const hosts = new Standings(askHost, 60_000);
/** A trial counts against the registry's limit: one serves for minutes. */
export const tests = new Standings<Tested>(async (id) => ({ ...(await testRegistry({ id })), at: new Date() }), 300_000);

export const testRegistry = (body: Partial<Shape<'RegistryTestBody'>>) => post('/api/registries/test', { body: body as Shape<'RegistryTestBody'> }); // the server fills in the rest
