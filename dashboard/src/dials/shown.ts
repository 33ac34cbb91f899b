import { computed } from "@preact/signals";
import type { EventRow } from "../state/event-store.ts";
import { rows } from "../state/events.ts";
import { filters } from "../state/filters.ts";
import { selectRows } from "./select-rows.ts";

/** The rows that the table shows now. */
export const shownRows = computed(() => selectRows(rows.value, filters.value));

/** The same rows without gaps, as events. */
export const shownEvents = computed(() =>
  shownRows.value.filter((row): row is EventRow => row.type === "event").map((row) => row.event),
);
