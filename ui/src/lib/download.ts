/** Gives the browser a text to keep as a file. */
export function keepFile(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  const made = URL.createObjectURL(new Blob([text], { type }));
  link.href = made;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(made), 1000);
}
