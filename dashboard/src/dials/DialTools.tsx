/** What stands above the table: search, kinds, pause, export. */

import { useEffect, useState } from "preact/hooks";
import { droppedTotal, paused, rows, setPaused, waitingCount } from "../state/events.ts";
import { filters, setFilters, toggleFilters } from "../state/filters.ts";
import { count, plural } from "../text/format.ts";
import { Export } from "./Export.tsx";
import { shownRows } from "./shown.ts";

const KINDS = [
  { kind: "failure", label: "Failures" },
  { kind: "succeeded", label: "Succeeded" },
  { kind: "skip", label: "Skips" },
  { kind: "cancelled", label: "Cancelled" },
  { kind: "disconnect", label: "Early disconnects" },
] as const;

const TYPING_MS = 150;

export function DialTools() {
  const now = filters.value;
  return (
    <>
      <div class="tools">
        <Search />
        <fieldset class="segments">
          <legend class="visually-hidden">Kind</legend>
          <button type="button" aria-pressed={now.kind === ""} onClick={() => setFilters({ kind: "" })}>
            All
          </button>
          {KINDS.map(({ kind, label }) => (
            <button key={kind} type="button" aria-pressed={now.kind === kind} onClick={() => toggleFilters({ kind })}>
              {label}
            </button>
          ))}
        </fieldset>
        <button type="button" data-testid="pause" aria-pressed={paused.value} onClick={() => setPaused(!paused.value)}>
          {paused.value ? `Resume (${count(waitingCount.value)} wait)` : "Pause"}
        </button>
        <Export />
      </div>
      <p class="muted table-note">
        {plural(shownRows.value.length, "row")}
        {shownRows.value.length !== rows.value.length && ` of ${count(rows.value.length)}`}
        {droppedTotal.value > 0 &&
          `. This page holds the newest ${count(rows.value.length)}: ${plural(droppedTotal.value, "older row")} left it again`}
        . Arrow keys go from row to row, Enter opens one.
      </p>
    </>
  );
}

/** Searches a moment after the last key, as each search goes over thousands of rows. */
function Search() {
  const [text, setText] = useState(filters.value.text);
  const applied = filters.value.text;
  useEffect(() => setText(applied), [applied]);
  useEffect(() => {
    if (text === filters.peek().text) return;
    const timer = setTimeout(() => setFilters({ text }, "replace"), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      data-testid="search"
      aria-label="Search the dials"
      placeholder="Search address, detail, node id …"
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}
