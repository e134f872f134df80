/** Files that the browser saves for the person. */

/** From an address of this server, which names the file itself. The browser streams it to the disk. */
export function saveFrom(path: string): void {
  follow(path, '');
}

export function saveText(text: string, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  follow(url, name);
  URL.revokeObjectURL(url);
}

function follow(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
}
