/** What this browser keeps under a name; one that keeps nothing begins anew at each visit. Never anything secret. */
export function kept(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`lading.${name}`) ?? 'null');
  } catch {
    return null;
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`lading.${name}`, JSON.stringify(value));
  } catch {
    // A browser may refuse to keep anything, or have no room.
  }
}
