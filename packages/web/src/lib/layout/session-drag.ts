/** A session that is dragged inside the page: from the list or a tab onto a pane. */
const mediaType = 'application/x-holdfast-session';

export function beginDrag(event: DragEvent, sessionId: string): void {
  event.dataTransfer?.setData(mediaType, sessionId);
}

export const isSessionDrag = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes(mediaType) ?? false;

export const draggedSession = ({ dataTransfer }: DragEvent): string => dataTransfer?.getData(mediaType) ?? '';
