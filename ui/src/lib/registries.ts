/** Registries in words, and the commands that meet them. */
import type { Shape } from './api';

export type Registry = Shape<'RegistryStanding'>;

/** The host as it stands in references: without a scheme, and nothing for Docker Hub. */
export function hostOf(registry: Pick<Registry, 'url'>): string {
  return registry.url.replace(/^https?:\/\//, '').replace(/\/+$/, '');
}

/** A reference of what is there, as any client takes it. */
export function referenceOf(registry: Pick<Registry, 'url'>, repository: string, tag = ''): string {
  const host = hostOf(registry);
  const [first = host, ...below] = host.split('/');
  const path = below.length && !repository.startsWith(`${below.join('/')}/`) ? `${below.join('/')}/${repository}` : repository;
  return `${first}/${path}${tag ? `:${tag}` : ''}`;
}

export const TLS: Record<Registry['tls'], string> = {
  verify: 'TLS, certificate checked',
  skip: 'TLS, any certificate trusted',
  http: 'plain HTTP',
};

export const RELAY: Record<Registry['relay'], string> = {
  auto: 'Where a host cannot reach or trust it',
  never: 'Never: hosts push by themselves',
  always: 'Always: hosts push through this server',
};

/** `93 of 100 more requests`, as the registry said last. */
export const limitText = (limit: Shape<'RateLimit'>): string => `${limit.remaining}${limit.limit ? ` of ${limit.limit}` : ''} more requests`;

/** Who logs in there. */
export const loginText = (row: Registry): string => (row.hasCredentials || row.hasSecretFields ? (row.username ?? 'kept') : 'no login');
