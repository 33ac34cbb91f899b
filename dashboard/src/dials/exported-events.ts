/** Collects the events of an export. */

import { getJson } from "../api/client.ts";
import type { DialEvent, HistoryView } from "../api/types.ts";
import { eventKey } from "../state/event-store.ts";
import { historyQuery } from "../state/filters.ts";
import { historyOn } from "../state/status.ts";

const PAGE = 1_000;
/** A bound on the search: between two rows of the page, the history may have many other events. */
const PAGES_LIMIT = 50;

export interface Exported {
  events: DialEvent[];
  /** How many rows of the page the node no longer has. */
  missing: number;
}

/** `shown` unchanged or, with `redact`, as the node masks them. The page itself never masks anything. */
export async function exportedEvents(shown: readonly DialEvent[], redact: boolean): Promise<Exported> {
  if (!redact) return { events: [...shown], missing: 0 };
  const masked = historyOn.peek() ? await maskedFromHistory(shown) : await maskedFromFailures();
  const events = shown.map((event) => masked.get(eventKey(event))).filter((event) => event !== undefined);
  return { events, missing: shown.length - events.length };
}

function byKey(events: readonly DialEvent[]): Map<string, DialEvent> {
  return new Map(events.map((event) => [eventKey(event), event]));
}

async function maskedFromHistory(shown: readonly DialEvent[]): Promise<Map<string, DialEvent>> {
  const oldest = shown.reduce((least, event) => Math.min(least, event.at_unix), Number.POSITIVE_INFINITY);
  const wanted = new Set(shown.map(eventKey));
  const masked = new Map<string, DialEvent>();
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_LIMIT && wanted.size > 0; page++) {
    const query = { ...historyQuery.peek(), limit: PAGE, cursor, redact: true };
    const answer: HistoryView = await getJson("api/p2p/history", query);
    for (const [key, event] of byKey(answer.events)) {
      if (wanted.delete(key)) masked.set(key, event);
    }
    cursor = answer.next_cursor;
    const last = answer.events.at(-1);
    if (cursor === null || last === undefined || last.at_unix < oldest) break;
  }
  return masked;
}

async function maskedFromFailures(): Promise<Map<string, DialEvent>> {
  const { kind, reason, source, phase, addr, via, since_unix } = historyQuery.peek();
  const query = { kind, reason, source, phase, addr, via, since_unix, limit: PAGE, redact: true };
  return byKey((await getJson("api/p2p/failures", query)).failures);
}
