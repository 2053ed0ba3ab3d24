/** Where one can go: the rail's links, the palette's pages, and what `g` with a key leads to. `also`: pages within it that
 *  have paths of their own; `needs`: the permission without which there is nothing to see. */
import type { IconName } from '../parts/Icon.svelte';

export interface Place { name: IconName; text: string; key: string; also?: string[]; needs?: string }

/** What stands in addresses: the overview has none. */
export const pathOf = ({ name }: Place): string => (name === 'overview' ? '' : name);

export const PLACES: Place[] = [
  { name: 'overview', text: 'Overview', key: 'o' },
  { name: 'images', text: 'Images', key: 'i', also: ['compare'], needs: 'images:view' },
  { name: 'registries', text: 'Registries', key: 'r', needs: 'registries:view' },
  { name: 'repositories', text: 'Repositories', key: 'p', needs: 'repositories:view' },
  { name: 'environments', text: 'Environments', key: 'e', needs: 'environments:view' },
  { name: 'jobs', text: 'Jobs', key: 'j' },
  { name: 'security', text: 'Security', key: 's', also: ['scans'], needs: 'scans:view' },
  { name: 'activity', text: 'Activity', key: 'a', needs: 'audit:view' },
  { name: 'settings', text: 'Settings', key: ',' },
];
