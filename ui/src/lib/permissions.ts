/** Everything that a role may give, noun by noun, as the server names it (a test holds this against its table). */
export const PERMISSIONS: Record<string, { text: string; verbs: string[] }> = {
  images: { text: 'Images of environments', verbs: ['view', 'pull', 'push', 'tag', 'remove', 'export', 'import'] },
  repositories: { text: 'Our own registry', verbs: ['view', 'pull', 'push', 'remove', 'edit'] },
  environments: { text: 'Environments', verbs: ['view', 'edit'] },
  registries: { text: 'Registries', verbs: ['view', 'edit', 'remove'] },
  scans: { text: 'Scans', verbs: ['view', 'run'] },
  policies: { text: 'Policies', verbs: ['view', 'edit'] },
  exceptions: { text: 'Exceptions', verbs: ['view', 'edit'] },
  trust: { text: 'Trust in signatures', verbs: ['view', 'edit', 'exempt', 'sign'] },
  jobs: { text: 'Jobs of others', verbs: ['view', 'edit'] },
  audit: { text: 'Activity', verbs: ['view'] },
  users: { text: 'Users and roles', verbs: ['view', 'edit'] },
  settings: { text: 'Settings', verbs: ['view', 'edit'] },
  metrics: { text: 'Metrics', verbs: ['view'] },
};
