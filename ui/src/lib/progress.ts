/** A job's lines and ticks folded into what is drawn of it. Pure: what is told goes in, with the second at which it came
 *  (any clock that never goes back), and a new value comes out. The words are Docker's, as the server says them. */
import { add, began, type Moved } from './speed';

export type LayerState =
  | 'waiting' | 'checking' | 'moving' | 'retrying' | 'finishing' | 'unpacking' | 'exists' | 'mounted' | 'done' | 'failed' | 'cancelled';

/** Bytes of all targets; null: not known yet. */
export interface Totals { image: number | null; sent: number; kept: number; exists: number; mounted: number; left: number | null }

export interface Layer {
  /** Unique in the job: the target and the id. */
  key: string;
  /** A short digest, or in a distribution a host's name. */
  id: string;
  /** '' is the job's first target. */
  target: string;
  state: LayerState;
  /** Where it was mounted from, or in a distribution what the host says. */
  detail: string;
  /** The history line that made it. */
  label: string;
  current: number;
  size: number | null;
  /** When the next attempt begins, by the caller's clock. */
  retryAt: number | null;
  attempts: number;
  moved: Moved;
}

export interface LayerTold {
  id: string;
  status: string;
  progressDetail?: { current?: number; total?: number };
  size?: number;
  label?: string;
  target?: string;
  hint?: string;
}
export interface Told { id?: string; status?: string; message?: string; tag?: string; digest?: string; progress?: unknown; until?: number | null; host?: string; [more: string]: unknown }
export interface TickTold { layers?: readonly LayerTold[] | undefined; totals: Totals | null }

export interface Progress {
  layers: ReadonlyMap<string, Layer>;
  totals: Totals | null;
  moved: Moved;
  /** What is not about a layer, in order: of each status the last, of notes each. */
  said: ReadonlyMap<string, Told>;
  /** Names that were read back and are right. */
  tagged: number;
  /** When bytes moved last. */
  lastMoved: number | null;
}

export const NOTHING: Progress = { layers: new Map(), totals: null, moved: began, said: new Map(), tagged: 0, lastMoved: null };

const ACTIVE = new Set<LayerState>(['moving', 'retrying', 'finishing', 'unpacking']);
const ENDED = new Set<LayerState>(['exists', 'mounted', 'done', 'failed', 'cancelled']);
export const isActive = (layer: Layer): boolean => ACTIVE.has(layer.state);
export const isEnded = (layer: Layer): boolean => ENDED.has(layer.state);

const WORDS: Record<string, LayerState> = {
  Preparing: 'checking', 'Pulling fs layer': 'checking', Waiting: 'waiting', Pushing: 'moving', Downloading: 'moving',
  'Loading layer': 'moving', 'Verifying Checksum': 'finishing', 'Download complete': 'finishing', Extracting: 'unpacking',
  Retrying: 'retrying', 'Layer already exists': 'exists', 'Already exists': 'exists', Pushed: 'done', 'Pull complete': 'done',
  Done: 'done', 'Up to date': 'exists', Unavailable: 'failed',
};
const MOUNTED = /^Mounted from (\S+)$/;
const RETRYING = /^Retrying in (\d+) seconds?$/;

/** Lines, in their order. */
export function withLines(before: Progress, lines: readonly Told[], now: number): Progress {
  const layers = new Map(before.layers);
  const said = new Map(before.said);
  let tagged = before.tagged;
  for (const line of lines) {
    if (typeof line.id === 'string' && typeof line.status === 'string' && line.message === undefined) take(layers, line as unknown as LayerTold, now);
    else if (line.status) {
      said.set(line.status === 'note' ? `note ${line.message}` : line.status, line);
      if (line.status === 'tagged') tagged += 1;
    }
  }
  return since(before, { ...before, layers, said, tagged }, now);
}

/** Byte counts. They are not ordered with lines: a layer that a line has ended stays so. */
export function withTick(before: Progress, tick: TickTold, now: number): Progress {
  const layers = new Map(before.layers);
  for (const layer of tick.layers ?? []) {
    const known = layers.get(keyOf(layer));
    if (!known || !isEnded(known)) take(layers, layer, now);
  }
  const totals = tick.totals ?? before.totals;
  return since(before, { ...before, layers, totals, moved: totals ? add(before.moved, now, totals.sent) : before.moved }, now);
}

/** After the job's end nothing stands open: what was not through is done with it, or failed or cancelled with it. */
export function withEnd(before: Progress, status: string, totals: Totals | null | undefined): Progress {
  const state: LayerState = status === 'done' ? 'done' : status === 'error' ? 'failed' : 'cancelled';
  const layers = new Map(before.layers);
  for (const [key, layer] of layers) {
    if (isEnded(layer)) continue;
    // What was not begun when another layer failed did not fail itself.
    const own = state === 'failed' && !isActive(layer) ? 'cancelled' : state;
    layers.set(key, { ...layer, state: own, current: own === 'done' ? (layer.size ?? layer.current) : layer.current, retryAt: null });
  }
  return { ...before, layers, totals: totals ?? before.totals };
}

function keyOf(told: LayerTold): string {
  return `${told.target ?? ''} ${told.id}`;
}

function take(layers: Map<string, Layer>, told: LayerTold, now: number): void {
  const key = keyOf(told);
  const before = layers.get(key);
  const state = stateOf(told.status);
  const layer: Layer = before
    ? { ...before }
    : { key, id: told.id, target: told.target ?? '', state: 'checking', detail: '', label: '', current: 0, size: null, retryAt: null, attempts: 0, moved: began };
  layer.label = told.label ?? layer.label;
  layer.size = told.progressDetail?.total ?? told.size ?? layer.size;
  if (state === null) layer.detail = told.hint ? `${told.status}. ${told.hint}` : told.status;
  else {
    if (state === 'retrying' && before?.state !== 'retrying') layer.attempts += 1;
    layer.state = state;
    layer.detail = MOUNTED.exec(told.status)?.[1] ?? (state === 'done' && told.status === 'Done' ? told.status : '');
    const seconds = RETRYING.exec(told.status)?.[1];
    layer.retryAt = state === 'retrying' && seconds ? now + Number(seconds) : null;
  }
  if (told.status.startsWith('Failed: ')) layer.state = 'failed';
  if (layer.state === 'done' || layer.state === 'exists' || layer.state === 'mounted') layer.current = layer.size ?? layer.current;
  else if (told.progressDetail?.current !== undefined) {
    // A line that is read again after a newer tick begins at 0: what has moved goes back only where it is tried again.
    const moved = layer.state === 'moving' && before && before.state !== 'retrying' ? before.current : 0;
    layer.current = Math.max(moved, told.progressDetail.current);
  }
  layer.moved = layer.state === 'moving' ? add(layer.moved, now, layer.current) : layer.state === 'retrying' ? layer.moved : began;
  layers.set(key, layer);
}

function stateOf(status: string): LayerState | null {
  return WORDS[status] ?? (MOUNTED.test(status) ? 'mounted' : RETRYING.test(status) ? 'retrying' : null);
}

function since(before: Progress, after: Progress, now: number): Progress {
  return bytesOf(after) > bytesOf(before) || after.lastMoved === null ? { ...after, lastMoved: now } : after;
}

function bytesOf(progress: Progress): number {
  let sum = progress.totals?.sent ?? 0;
  for (const layer of progress.layers.values()) sum += layer.current;
  return sum;
}
