/** Events as the text of a file. Pure. JSON stays as the node sent it; CSV is made harmless for spreadsheets. */

import type { DialEvent } from "../api/types.ts";
import { csv } from "../text/csv.ts";
import { iso } from "../text/format.ts";

export function eventsAsJson(events: readonly DialEvent[]): string {
  return `${JSON.stringify({ events }, null, 1)}\n`;
}

type Cell = string | number | boolean | null;

const CSV_COLUMNS: readonly [string, (event: DialEvent) => Cell][] = [
  ["time", (event) => iso(event.at_unix)],
  ["kind", (event) => event.kind],
  ["addr", (event) => event.addr],
  ["source", (event) => event.source],
  ["via", (event) => event.via],
  ["reason", (event) => event.reason],
  ["phase", (event) => event.phase],
  ["blame", (event) => event.blame],
  ["duration_s", (event) => event.duration_s],
  ["detail", (event) => event.detail],
  ["node_id", (event) => event.node_id],
  ["penalised", (event) => event.penalised],
  ["dial_id", (event) => event.dial_id],
  ["seq", (event) => event.seq],
  ["phases_s", (event) => JSON.stringify(event.phases_s)],
  ["evidence", (event) => JSON.stringify(event.evidence)],
];

export function eventsAsCsv(events: readonly DialEvent[]): string {
  return csv([CSV_COLUMNS.map(([name]) => name), ...events.map((event) => CSV_COLUMNS.map(([, cell]) => cell(event)))]);
}
