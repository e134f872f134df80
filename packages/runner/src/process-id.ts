/** A process's id in the holder: which session's, and which of its processes. */
export const processIdOf = (sessionId: string, generation: number): string => `${sessionId}.${generation}`;
