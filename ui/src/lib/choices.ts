/** What somebody chose last in a dialog, kept in this browser alone. */
import { keep, kept } from './kept';

export function lastChoices<T extends object>(name: string, otherwise: T): T {
  const last = (kept(`choices.${name}`) ?? {}) as Partial<Record<keyof T, unknown>>;
  const found = { ...otherwise };
  for (const key of Object.keys(otherwise) as (keyof T)[]) {
    if (typeof last[key] === typeof otherwise[key]) found[key] = last[key] as T[typeof key];
  }
  return found;
}

export const keepChoices = (name: string, choices: object): void => keep(`choices.${name}`, choices);
