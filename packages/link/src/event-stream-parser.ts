/** Server-Sent Events from text that comes in pieces cut anywhere (the format of the HTML standard). */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export class EventStreamParser {
  readonly #limit: number;
  #rest = '';
  #name = '';
  #data: string[] = [];
  #size = 0;

  /** limit: UTF-16 units of one event. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The events that are complete with this piece; null: one is larger than the limit, and nothing can follow it. */
  push(piece: string): ServerEvent[] | null {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    const events: ServerEvent[] = [];
    for (const line of lines) {
      this.#size += line.length;
      if (this.#size > this.#limit) return null;
      if (line === '') this.#finish(events);
      else this.#field(line);
    }
    return this.#size + this.#rest.length > this.#limit ? null : events;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data.push(value);
  }

  #finish(events: ServerEvent[]): void {
    if (this.#data.length > 0) events.push({ name: this.#name || 'message', data: this.#data.join('\n') });
    this.#name = '';
    this.#data = [];
    this.#size = 0;
  }
}
