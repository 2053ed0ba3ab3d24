/** How an audit record's result is marked. */
import type { Shape } from './api';

export function resultTone(result: Shape<'AuditRecord'>['result']): 'plain' | 'good' | 'bad' | 'warn' | 'accent' {
  return ({ started: 'accent', done: 'good', failed: 'bad', denied: 'bad', cancelled: 'plain', interrupted: 'warn' } as const)[result];
}
