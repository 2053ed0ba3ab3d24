/** Copies text; on plain HTTP there is no clipboard API, so a hidden field is selected and copied the old way. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard && isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused by the browser's settings: the old way may still work
    }
  }
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.className = 'hidden-text';
  const focused = document.activeElement as HTMLElement | null;
  const holder = document.querySelector('dialog[open]') ?? document.body;
  holder.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return copied;
}
