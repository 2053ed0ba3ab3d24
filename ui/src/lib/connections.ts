/** The ways to an environment, in words. */
import type { Environment } from './environments.svelte';

export const KINDS: Record<Environment['connectionType'], { text: string; help: string }> = {
  embedded: { text: 'Own engine', help: 'Lading’s own image store: no Docker needed.' },
  socket: { text: 'Docker socket', help: 'A Docker host whose socket is on the server’s machine.' },
  direct: { text: 'Docker over TCP', help: 'A Docker host that listens on a port, best with TLS.' },
  'hawser-standard': { text: 'Agent, reached from here', help: 'An agent that listens on the host; Lading connects to it.' },
  'hawser-edge': { text: 'Agent, calls from there', help: 'An agent behind NAT or a firewall: it connects to Lading.' },
};

/** Where it is, for a list. */
export function place(row: Environment): string {
  if (row.connectionType === 'socket') return row.socketPath ?? '/var/run/docker.sock';
  if (row.connectionType === 'direct' || row.connectionType === 'hawser-standard') return `${row.protocol ?? 'http'}://${row.host ?? ''}:${row.port ?? ''}`;
  if (row.connectionType === 'hawser-edge') return row.agent ? `${row.agent.hostname || row.agent.agentName} (${row.agent.address})` : 'no agent connected';
  return 'in this server';
}

/** Steps of a trial, in words. */
export const STEPS: Record<string, string> = {
  resolve: 'Name (DNS)', connect: 'Connection (TCP)', tls: 'Protection (TLS)', v2: 'Registry API', mint: 'Minted login', token: 'Login', scope: 'What it may see',
  agent: 'Agent', ping: 'Docker answers', version: 'Version',
};

/** Those of a registry, in their order; a login is minted at some providers alone. */
export const TRIAL = ['resolve', 'connect', 'tls', 'v2', 'token', 'scope'];

/** Whether it may be asked: an agent that is away cannot. */
export const present = (row: Environment): boolean => row.connectionType !== 'hawser-edge' || !!row.agent;
