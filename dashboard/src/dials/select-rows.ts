/** Which rows the table shows, and in what order. Pure. */

import type { DialEvent } from "../api/types.ts";
import type { EventRow, Row } from "../state/event-store.ts";
import type { Filters } from "../state/filters-in-url.ts";
import { isShown } from "../state/shown-events.ts";
import { COLUMNS } from "./columns.ts";

/** How many characters of a field are searched: a peer decides how long a detail is. */
const SEARCHED = 2_000;

function contains(event: DialEvent, needle: string): boolean {
  const fields = [
    event.addr,
    event.via,
    event.source,
    event.kind,
    event.reason,
    event.phase,
    event.node_id,
    event.detail,
  ];
  return fields.some((field) => field?.slice(0, SEARCHED).toLowerCase().includes(needle));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The rows that match, sorted. Gaps make sense only when sorted by time; otherwise they are left out. */
export function selectRows(rows: readonly Row[], filters: Filters): Row[] {
  const needle = filters.text.trim().toLowerCase();
  const matching = rows.filter(
    (row) => row.type === "gap" || (isShown(row.event, filters) && (!needle || contains(row.event, needle))),
  );
  if (filters.sort === "-time") return matching;
  if (filters.sort === "time") return matching.reverse();
  const column = COLUMNS.find(({ name }) => name === filters.sort.replace("-", ""));
  if (!column) return matching;
  const direction = filters.sort.startsWith("-") ? -1 : 1;
  const events = matching.filter((row): row is EventRow => row.type === "event");
  return events
    .map((row) => ({ row, value: column.value(row.event) }))
    .sort((a, b) => direction * compare(a.value, b.value))
    .map(({ row }) => row);
}
