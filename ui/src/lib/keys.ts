/** A name for one request, so that it makes one job however often it is sent. */
export function newKey(): string {
  // randomUUID is there on https and localhost alone
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
