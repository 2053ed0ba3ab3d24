/** Who is logged in, and what they may: only to hide what would be refused. The server decides, each time. */
import { get, type Shape } from './api';

export type Session = Shape<'Session'>;

let session = $state.raw<Session | null>(null);

export const me = {
  get session(): Session | null {
    return session;
  },
  get name(): string {
    return session?.username ?? '';
  },
};

export async function loadSession(): Promise<void> {
  session = await get('/api/auth/session');
}

/** Whether `permission` ("images:push") is granted: anywhere, or in this environment. */
export function can(permission: string, environment?: number | null): boolean {
  if (!session) return false;
  if (session.scopes && !holds(session.scopes, permission)) return false;
  return session.grants.some(
    (grant) =>
      holds(grant.permissions, permission) &&
      (environment === undefined || environment === null || grant.environments === null || grant.environments.includes(environment)),
  );
}

/** A grant names permissions, all of a noun (`images:*`), or all (`*`). */
function holds(granted: string[], permission: string): boolean {
  return granted.some((each) => each === '*' || each === permission || each === `${permission.split(':')[0]}:*`);
}
