/** The dialogs push, pull, copy and import are opened from anywhere; App shows the one that is open. */
export type TransferKind = 'push' | 'pull' | 'copy' | 'import' | 'distribute';

export interface Transfer {
  kind: TransferKind;
  /** What is moved, where that is known already: an image's id, digest or reference. */
  image?: string;
  /** The environment it is in, or goes to; absent: the default one. */
  environment?: number | undefined;
  /** Hosts that it is distributed to. */
  to?: number[];
  /** Files that were dropped on the page. */
  files?: File[];
}

let open = $state.raw<Transfer | null>(null);

export const transfer = {
  get open(): Transfer | null {
    return open;
  },
};

export function openTransfer(wanted: Transfer): void {
  open = wanted;
}

export function closeTransfer(): void {
  open = null;
}
