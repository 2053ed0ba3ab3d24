/** The environments that may be seen, asked once and again when one changes: names for lists, choices for dialogs. */
import { all, type Shape } from './api';
import { can } from './session.svelte';

export type Environment = Shape<'Environment'>;

let rows = $state.raw<Environment[]>([]);

export const environments = {
  get list(): Environment[] {
    return rows;
  },
  get default(): Environment | undefined {
    return rows.find((row) => row.isDefault);
  },
  name(id: number | null | undefined): string {
    const row = id ? rows.find((each) => each.id === id) : this.default;
    return row?.name ?? (id ? `environment ${id}` : 'default');
  },
};

/** Empty for whoever may not see environments, and where the server cannot be asked: pages say so themselves. */
export async function loadEnvironments(): Promise<void> {
  if (!can('environments:view')) return;
  try {
    rows = await all('/api/environments');
  } catch {
    rows = [];
  }
}
