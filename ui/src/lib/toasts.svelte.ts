/** Short messages at the foot: what was done, with a way back where there is one. */
import { ApiError } from './api';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  action?: { label: string; run: () => void } | undefined;
}

const SECONDS = 6;
let last = 0;
const list = $state<Toast[]>([]);

export const toasts = list;

export function toast(text: string, tone: Toast['tone'] = 'plain', action?: Toast['action']): void {
  const id = (last += 1);
  list.push({ id, text, tone, action });
  if (tone !== 'bad') setTimeout(() => dismiss(id), SECONDS * 1000);
}

export function dismiss(id: number): void {
  const place = list.findIndex((each) => each.id === id);
  if (place >= 0) list.splice(place, 1);
}

/** Says that something did not work, with the server's hint. */
export function failed(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  toast(error instanceof ApiError ? [error.text, error.hint].filter(Boolean).join('. ') : String(error), 'bad');
}

/** Says what was done once it is, with a way on or back, or why it was not; whether it was. */
export async function act(doing: Promise<unknown>, said: string, action?: Toast['action']): Promise<boolean> {
  try {
    await doing;
    toast(said, 'good', action);
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}
