/** The controls above the table: search, kinds, pause, export. */

import { useEffect, useState } from "preact/hooks";
import { KINDS } from "../api/tables.ts";
import { droppedTotal, paused, rows, setPaused, waitingCount } from "../state/events.ts";
import { filters, setFilters } from "../state/filters.ts";
import { ANY_KIND } from "../state/filters-in-url.ts";
import { hidesSkips } from "../state/shown-events.ts";
import { count, plural } from "../text/format.ts";
import { Export } from "./Export.tsx";
import { shownRows } from "./shown.ts";

const CHOICES = [
  { kind: "", label: "All dials", title: "All kinds except skips." },
  { kind: "failure", label: "Failures", title: KINDS.failure },
  { kind: "succeeded", label: "Succeeded", title: KINDS.succeeded },
  { kind: "skip", label: "Skips", title: KINDS.skip },
  { kind: "cancelled", label: "Cancelled", title: KINDS.cancelled },
  { kind: "disconnect", label: "Early disconnects", title: KINDS.disconnect },
  { kind: ANY_KIND, label: "Everything", title: "All kinds, including the many skips." },
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
          {CHOICES.map(({ kind, label, title }) => (
            <button
              key={kind}
              type="button"
              title={title}
              aria-pressed={now.kind === kind}
              onClick={() => setFilters({ kind })}
            >
              {label}
            </button>
          ))}
        </fieldset>
        <button type="button" data-testid="pause" aria-pressed={paused.value} onClick={() => setPaused(!paused.value)}>
          {paused.value ? `Resume (${count(waitingCount.value)} waiting)` : "Pause"}
        </button>
        <Export />
      </div>
      <Note />
    </>
  );
}

/** How many rows the table shows, and how many it leaves out. */
function Note() {
  const skips = hidesSkips(filters.value)
    ? rows.value.filter((row) => row.type === "event" && row.event.kind === "skip")
    : [];
  return (
    <p class="muted table-note">
      {plural(shownRows.value.length, "row")} of {count(rows.value.length)} on this page.{" "}
      {skips.length > 0 && (
        <>
          {plural(skips.length, "skip is", "skips are")} left out:{" "}
          <button type="button" class="link" onClick={() => setFilters({ kind: ANY_KIND })}>
            show everything
          </button>
          .{" "}
        </>
      )}
      {droppedTotal.value > 0 &&
        `${plural(droppedTotal.value, "older row was", "older rows were")} removed because the page is full. `}
      Use the arrow keys to move between rows, and Enter to open one.
    </p>
  );
}

/** Searches a moment after the last key press, because each search goes through thousands of rows. */
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
