/** Images in words, and the addresses of what is shown of them. */
import { search, type Shape } from './api';
import { address } from './base';

export type Image = Shape<'Image'>;

/** What to call it: its first tag, else what it was pulled as, else the start of its id. */
export function nameOf(image: Pick<Image, 'tags' | 'digests' | 'id'>): string {
  return image.tags[0] ?? image.digests[0] ?? image.id;
}

export function imagePath(image: string, environment?: number | null, tab?: string): string {
  return `/images/${encodeURIComponent(image)}${tab ? `/${tab}` : ''}${search({ env: environment })}`;
}

/** Where the browser fetches the archive: a download of its own, not through script. */
export function exportAddress(images: string[], environment?: number | null): string {
  const [first = '', ...further] = images;
  return address(`/api/images/${encodeURIComponent(first)}/export${search({ env: environment, image: further })}`);
}

/** Attestations are listed as platforms by those who wrote them; nobody runs them. */
export function realPlatforms(platforms: string[]): string[] {
  return platforms.filter((each) => !each.startsWith('unknown'));
}
