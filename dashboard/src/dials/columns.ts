/** The columns of the table of dials: their labels, and the values that they are sorted by. */

import type { DialEvent } from "../api/types.ts";
import { totalSeconds } from "./waterfall-layout.ts";

export interface Column {
  name: string;
  label: string;
  /** The value that rows are sorted by. */
  value(event: DialEvent): string | number;
}

export const COLUMNS: readonly Column[] = [
  { name: "time", label: "Time", value: (event) => event.at_unix },
  { name: "addr", label: "Address", value: (event) => event.addr },
  { name: "source", label: "Source", value: (event) => `${event.source} ${event.via ?? ""}` },
  { name: "reason", label: "Outcome", value: (event) => event.reason ?? event.kind },
  { name: "phase", label: "Phase", value: (event) => event.phase ?? "" },
  { name: "blame", label: "Blame", value: (event) => event.blame ?? "" },
  { name: "duration", label: "Duration", value: totalSeconds },
];
