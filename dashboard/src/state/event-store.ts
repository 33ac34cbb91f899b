/** The events on this page: a bounded number, each once, newest first. Pure: no signals, no clock. */

import type { DialEvent, Gap } from "../api/types.ts";

export const HELD_LIMIT = 5_000;
/** Events loaded from the history must not push all new ones off the page. */
const FOUND_LIMIT = 3_000;
/** Skips are many and similar; they must not push dials off the page. */
const SKIP_LIMIT = 1_000;

export interface EventRow {
  type: "event";
  key: string;
  at_unix: number;
  event: DialEvent;
}

export interface GapRow {
  type: "gap";
  key: string;
  at_unix: number;
  gap: Gap;
}

export type Row = EventRow | GapRow;

/** The name of an event. It is the same in the stream, in the history and in a masked copy. */
export function eventKey(event: DialEvent): string {
  return `${event.run}:${event.seq}`;
}

function eventRow(event: DialEvent): EventRow {
  return { type: "event", key: eventKey(event), at_unix: event.at_unix, event };
}

function newestFirst(a: Row, b: Row): number {
  if (a.at_unix !== b.at_unix) return b.at_unix - a.at_unix;
  return a.type === "event" && b.type === "event" ? b.event.seq - a.event.seq : 0;
}

export class EventStore {
  private recent: Row[] = [];
  private found: EventRow[] = [];
  private merged: Row[] | null = null;

  /** How many events from the stream were removed because the page holds at most `limit`. */
  droppedTotal = 0;

  constructor(
    private readonly limit = HELD_LIMIT,
    private readonly foundLimit = Math.min(FOUND_LIMIT, limit),
    private readonly skipLimit = Math.min(SKIP_LIMIT, limit),
  ) {}

  /** Newest first. */
  get rows(): Row[] {
    if (this.merged === null) {
      const known = new Set(this.recent.map((row) => row.key));
      this.merged = [...this.recent, ...this.found.filter((row) => !known.has(row.key))].sort(newestFirst);
    }
    return this.merged;
  }

  /** Whether no more events can be loaded from the history. */
  get isFull(): boolean {
    return this.found.length >= this.foundLimit;
  }

  /** Adds events from the stream, or the newest page of the history. The beginning of a dial makes no row. */
  add(events: DialEvent[], gaps: GapRow[] = []): void {
    const known = new Set(this.recent.map((row) => row.key));
    const fresh: Row[] = [...gaps];
    for (const event of events) {
      if (event.kind === "started") continue;
      const row = eventRow(event);
      if (known.has(row.key)) continue;
      known.add(row.key);
      fresh.push(row);
    }
    if (fresh.length === 0) return;
    this.recent = [...fresh, ...this.recent].sort(newestFirst);
    this.cut();
  }

  /** Adds events loaded from the history with the present filters; returns how many of them are new to the page. */
  addFound(events: DialEvent[]): number {
    const known = new Set(this.rows.map((row) => row.key));
    const rows = events.filter((event) => event.kind !== "started").map(eventRow);
    const fresh = rows.filter((row) => !known.has(row.key)).slice(0, this.foundLimit - this.found.length);
    this.found = [...this.found, ...fresh];
    this.cut();
    return fresh.length;
  }

  clearFound(): void {
    this.found = [];
    this.merged = null;
  }

  private cut(): void {
    const room = this.limit - this.found.length;
    const before = this.recent.length;
    let skips = 0;
    this.recent = this.recent
      .filter((row) => row.type === "gap" || row.event.kind !== "skip" || ++skips <= this.skipLimit)
      .slice(0, room);
    this.droppedTotal += before - this.recent.length;
    this.merged = null;
  }
}
