/** Spans of time in the fewest words that are still true. All in milliseconds. */

/** How long something has been going on: "0:42", "12:05", "1 h 04 m". */
export function elapsedWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours} h ${pad(minutes % 60)} m`;
  return `${minutes}:${pad(seconds % 60)}`;
}

/** How long ago something was: "now", "4 m", "3 h", "12 d". */
export function ageWords(milliseconds: number): string {
  const minutes = Math.floor(Math.max(0, milliseconds) / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** How long something took: "80 ms", "3.2 s", "2 m 05 s". */
export function tookWords(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
}

/** How long something has yet to wait: "now", "in 12 s", "in 1 m 05 s". Never too short. */
export function waitWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  if (seconds <= 0) return 'now';
  return seconds < 60 ? `in ${seconds} s` : `in ${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** The clock time of a moment (ISO 8601), with the day when it was not today: "14:02", "20 Nov 14:02". */
export function timeWords(moment: string, now: Date = new Date()): string {
  const date = new Date(moment);
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (date.toDateString() === now.toDateString()) return clock;
  return `${date.getDate()} ${date.toLocaleString('en', { month: 'short' })} ${clock}`;
}
