/** Which page an address shows. One script holds them all: it is smaller than they are apart, and kept by the browser. */
import type { Component } from 'svelte';
import Activity from './Activity.svelte';
import Compare from './Compare.svelte';
import Environment from './Environment.svelte';
import Environments from './Environments.svelte';
import Image from './Image.svelte';
import Images from './Images.svelte';
import Job from './Job.svelte';
import Jobs from './Jobs.svelte';
import Missing from './Missing.svelte';
import Overview from './Overview.svelte';
import Registries from './Registries.svelte';
import Registry from './Registry.svelte';
import Repositories from './Repositories.svelte';
import Repository from './Repository.svelte';
import Scan from './Scan.svelte';
import Security from './Security.svelte';
import Settings from './Settings.svelte';

export interface PageFound {
  title: string;
  page: Component;
}

const pages: Record<string, PageFound> = {
  '': { title: 'Overview', page: Overview },
  images: { title: 'Images', page: Images },
  'images/*': { title: 'Image', page: Image },
  compare: { title: 'Compare', page: Compare },
  registries: { title: 'Registries', page: Registries },
  'registries/*': { title: 'Registry', page: Registry },
  repositories: { title: 'Repositories', page: Repositories },
  'repositories/*': { title: 'Repository', page: Repository },
  environments: { title: 'Environments', page: Environments },
  'environments/*': { title: 'Environment', page: Environment },
  jobs: { title: 'Jobs', page: Jobs },
  'jobs/*': { title: 'Job', page: Job },
  security: { title: 'Security', page: Security },
  'security/*': { title: 'Security', page: Security },
  'scans/*': { title: 'Scan', page: Scan },
  activity: { title: 'Activity', page: Activity },
  settings: { title: 'Settings', page: Settings },
  'settings/*': { title: 'Settings', page: Settings },
};

const missing: PageFound = { title: 'No such page', page: Missing };

/** `parts` are those of the path; a page of one thing takes the second as its name, and perhaps a third as its tab. */
export function pageOf(parts: string[]): PageFound {
  const [first = '', second] = parts;
  return pages[second === undefined ? first : `${first}/*`] ?? missing;
}
