/** Files that are dropped on an element, or pasted while it has the keyboard or nothing has. */

export interface FileTaker {
  /** folders: how many of them came along; they cannot be read as files. */
  readonly take: (files: File[], folders: number) => void;
  /** Files are being dragged over it. */
  readonly over: (is: boolean) => void;
}

/** An attachment for the element. Text that is pasted or dropped is nobody's business here. */
export const takesFiles =
  ({ take, over }: FileTaker) =>
  (element: HTMLElement): (() => void) => {
    const ended = new AbortController();
    const { signal } = ended;
    /** Entered elements inside of it. */
    let depth = 0;
    const left = (): void => {
      depth = 0;
      over(false);
    };
    const carries = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const listen = <K extends 'dragenter' | 'dragover' | 'dragleave' | 'drop'>(
      type: K,
      act: (event: DragEvent) => void,
    ): void =>
      element.addEventListener(
        type,
        (event) => {
          if (!carries(event)) return;
          event.preventDefault();
          act(event);
        },
        { signal },
      );
    listen('dragenter', () => {
      depth += 1;
      over(true);
    });
    listen('dragover', () => undefined);
    listen('dragleave', () => {
      depth -= 1;
      if (depth <= 0) left();
    });
    listen('drop', (event) => {
      left();
      const { files, folders } = dropped(event.dataTransfer);
      if (files.length + folders > 0) take(files, folders);
    });
    document.addEventListener(
      'paste',
      (event) => {
        const target = event.target instanceof Element ? event.target : document.body;
        const elsewhere = target.closest('input, textarea, [contenteditable]') !== null && !element.contains(target);
        const files = elsewhere || event.defaultPrevented ? [] : pastedFiles(event.clipboardData);
        if (files.length === 0) return;
        event.preventDefault();
        event.stopPropagation();
        take(files, 0);
      },
      { signal, capture: true },
    );
    return () => ended.abort();
  };

/** Programs that copy text often add a picture of it. */
function pastedFiles(data: DataTransfer | null): File[] {
  return data === null || data.getData('text/plain') !== '' ? [] : [...data.files];
}

/** Folders look like files there. */
function dropped(data: DataTransfer | null): { files: File[]; folders: number } {
  const folders = new Set(
    [...(data?.items ?? [])].flatMap((item) => {
      const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
      return entry?.isDirectory === true ? [entry.name] : [];
    }),
  );
  const files = [...(data?.files ?? [])].filter((file) => !folders.has(file.name));
  return { files, folders: folders.size };
}
