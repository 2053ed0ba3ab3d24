/** What is drawn of a transfer at one moment. Pure: figures and words, no markup. */
import { duration } from './format';
import { isActive, isEnded, type Layer, type LayerState, type Progress, type Totals } from './progress';
import { speed, stalled, timeLeft } from './speed';

export type Kind = 'push' | 'pull' | 'copy' | 'import' | 'distribute' | (string & {});
export type StepState = 'open' | 'active' | 'done' | 'failed';
export interface Step { name: string; text: string; state: StepState }

export interface Row {
  layer: Layer;
  /** 0 to 1; null where the size is not known. */
  part: number | null;
  speed: number | null;
  words: string;
}

export interface Overall {
  /** Bytes that had to move and have; `toMove` null: not known yet. */
  moved: number;
  toMove: number | null;
  /** What is known so far is not all. */
  atLeast: boolean;
  part: number | null;
  speed: number | null;
  /** Seconds, where they can be said. */
  left: number | null;
  stalled: number | null;
  retryIn: number | null;
  image: number | null;
  exists: number;
  mounted: number;
  kept: number;
  /** Of the image, what did not have to move, in percent. */
  saved: number | null;
}

export const SHAPES: Record<LayerState, string> = {
  waiting: '○', checking: '◔', moving: '●', retrying: '↻', finishing: '◕', unpacking: '◕', exists: '≡', mounted: '⇄', done: '✓', failed: '✕', cancelled: '–',
};

const MOVING: Record<string, string> = { push: 'sending', copy: 'sending', pull: 'receiving', import: 'loading', distribute: 'sending' };

/** A layer's state as it is read. */
export function words(layer: Layer, kind: Kind, now: number): string {
  switch (layer.state) {
    case 'moving':
      // All of it is on its way; the other side has not said yet that it has it.
      return layer.size !== null && layer.current >= layer.size ? 'finishing' : (MOVING[kind] ?? 'moving');
    case 'retrying': {
      const attempt = `retrying, attempt ${layer.attempts + 1}`;
      return layer.retryAt !== null && layer.retryAt > now ? `${attempt} in ${Math.ceil(layer.retryAt - now)} s` : attempt;
    }
    case 'finishing':
      return 'verifying';
    case 'mounted':
      // It is the same registry: its host says nothing.
      return layer.detail ? `mounted from ${layer.detail.replace(/^[^/]*[.:][^/]*\//, '')}` : 'mounted';
    case 'exists':
      return 'already there';
    default:
      return layer.state;
  }
}

/** Rows in the order in which they are looked at: active ones by their bytes, those to come, those that are through. */
export function rows(progress: Progress, kind: Kind, now: number, target?: string): Row[] {
  const found: { row: Row; rank: number; at: number }[] = [];
  let at = 0;
  for (const layer of progress.layers.values()) {
    if (target !== undefined && layer.target !== target) continue;
    const active = isActive(layer);
    found.push({
      row: {
        layer,
        part: layer.size === null ? (isEnded(layer) ? 1 : null) : layer.size > 0 ? Math.min(1, layer.current / layer.size) : 1,
        speed: layer.state === 'moving' ? speed(layer.moved, now) : null,
        words: words(layer, kind, now),
      },
      rank: layer.state === 'failed' ? 0 : active ? 1 : isEnded(layer) ? 3 : 2,
      at: (at += 1),
    });
  }
  found.sort((a, b) => a.rank - b.rank || (a.rank === 1 ? (b.row.layer.size ?? 0) - (a.row.layer.size ?? 0) : 0) || a.at - b.at);
  return found.map(({ row }) => row);
}

export function overall(progress: Progress, now: number, going: boolean): Overall {
  const totals = progress.totals ?? counted(progress);
  const known = counted(progress);
  const atLeast = totals.image === null || totals.left === null;
  // A daemon's layers tell more than totals that wait for a size.
  const moved = atLeast ? Math.max(totals.sent + totals.kept, known.sent) : totals.sent + totals.kept;
  const left = totals.left ?? (known.left === null ? null : known.left);
  const toMove = left === null ? null : moved + left;
  const image = totals.image ?? known.image;
  const waits = [...progress.layers.values()].flatMap((layer) => (layer.retryAt !== null && layer.retryAt > now ? [layer.retryAt - now] : []));
  return {
    moved,
    toMove,
    atLeast,
    part: toMove === null ? null : toMove > 0 ? Math.min(1, moved / toMove) : going && !progress.layers.size ? null : 1,
    speed: going ? speed(progress.moved, now) : null,
    left: going && !atLeast ? timeLeft(progress.moved, left, now) : null,
    stalled: going && left !== 0 ? stalled(progress.lastMoved, now) : null,
    retryIn: waits.length ? Math.min(...waits) : null,
    image,
    exists: totals.exists,
    mounted: totals.mounted,
    kept: totals.kept,
    saved: atLeast || !image ? null : Math.max(0, Math.min(100, (1 - (totals.sent + (totals.left ?? 0)) / image) * 100)),
  };
}

/** What the targets of the lines are called, where one of them is not named: the one that the others leave over. */
export function targetName(target: string, lists: readonly string[], targets: readonly string[]): string {
  if (target) return target;
  return targets.find((each) => !lists.some((other) => other === each || other.endsWith(`/${each}`))) ?? targets[0] ?? '';
}

/** What the layers alone come to, where the server has not counted yet, or cannot: a size may be missing. */
export function counted(progress: Progress, target?: string): Totals {
  const sum: Totals = { image: 0, sent: 0, kept: 0, exists: 0, mounted: 0, left: 0 };
  for (const layer of progress.layers.values()) {
    if (target !== undefined && layer.target !== target) continue;
    const size = layer.size ?? layer.current;
    if (sum.image !== null) sum.image += size;
    if (layer.state === 'exists') sum.exists += size;
    else if (layer.state === 'mounted') sum.mounted += size;
    else {
      sum.sent += layer.current;
      if (sum.left !== null) sum.left += Math.max(0, size - layer.current);
    }
  }
  return sum;
}

/** `2 s left`, `estimating`, `stalled 12 s, retry in 3 s`. */
export function ending(of: Overall): string {
  if (of.stalled !== null) return `stalled ${duration(Math.floor(of.stalled))}${of.retryIn === null ? '' : `, retry in ${Math.ceil(of.retryIn)} s`}`;
  if (of.toMove !== null && !of.atLeast && of.toMove - of.moved <= of.toMove / 500) return 'finishing';
  if (of.left !== null) return `${duration(Math.max(1, Math.round(of.left)))} left`;
  return 'estimating';
}

/** The way of a transfer, as far as it has come. */
export function steps(progress: Progress, kind: Kind, status: string, targets: number): Step[] {
  const layers = [...progress.layers.values()];
  const failed = status === 'error';
  const over = status === 'done';
  const checked = layers.filter((layer) => layer.state !== 'checking' && layer.state !== 'waiting').length;
  const through = layers.filter(isEnded).length;
  const tagged = progress.tagged;
  const has = layers.length > 0;
  const count = new Set(layers.map((layer) => layer.id)).size;
  const all = has && through === layers.length && !layers.some((layer) => layer.state === 'failed' || layer.state === 'cancelled');
  const made: Step[] = [];
  const add = (name: string, text: string, done: boolean, active: boolean) =>
    made.push({ name, text, state: over || done ? 'done' : active && status === 'running' ? 'active' : active && failed ? 'failed' : 'open' });

  if (kind === 'push' || kind === 'pull' || kind === 'copy') {
    const verb = kind === 'pull' ? 'receive' : 'send';
    const { said } = progress;
    // Before anything moves it is asked who signed it, and before the name is given it is signed.
    if (said.has('verifying')) add('trust', 'check signatures', said.has('verified') || said.has('unverified'), true);
    add('plan', 'plan', has || !!progress.totals?.image, true);
    add('check', has ? `check ${checked < layers.length && !over && targets <= 1 ? `${checked} of ` : ''}${count} ${count === 1 ? 'layer' : 'layers'}` : 'check', has && checked === layers.length, has);
    add('send', verb, all, checked > 0);
    if (kind === 'pull') add('tag', 'name', tagged > 0, all);
    else {
      add('manifest', targets > 1 ? `manifest ${tagged} of ${targets}` : 'manifest', tagged >= Math.max(1, targets), all);
      if (said.has('signing')) add('sign', 'sign', said.has('signed'), true);
      add('verify', 'verify', tagged >= Math.max(1, targets), tagged > 0);
    }
    if (said.has('scanning') || said.has('scan-complete') || said.has('scan-progress')) add('scan', 'scan', said.has('scan-complete'), true);
  } else if (kind === 'import') {
    add('load', 'load', false, true);
  }
  return made;
}
