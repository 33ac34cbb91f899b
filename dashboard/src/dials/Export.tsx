/** Saves the rows that the table shows to a file. */

import { useState } from "preact/hooks";
import { plural } from "../text/format.ts";
import { eventsAsCsv, eventsAsJson } from "./export-file.ts";
import { exportedEvents } from "./exported-events.ts";
import { shownEvents } from "./shown.ts";

function saveFile(text: string, type: string, ending: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `nocarrier-dials-${new Date().toISOString().replaceAll(/[:.]/g, "-")}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function Export() {
  const [redact, setRedact] = useState(false);
  const [note, setNote] = useState("");
  async function save(format: "json" | "csv") {
    setNote("Preparing …");
    try {
      const { events, missing } = await exportedEvents(shownEvents.peek(), redact);
      if (format === "json") saveFile(eventsAsJson(events), "application/json", "json");
      else saveFile(eventsAsCsv(events), "text/csv", "csv");
      setNote(missing > 0 ? `${plural(missing, "row was", "rows were")} left out: the node no longer has them.` : "");
    } catch (error) {
      setNote(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <fieldset class="export">
      <legend class="visually-hidden">Export</legend>
      <button type="button" data-testid="export-json" onClick={() => void save("json")}>
        JSON
      </button>
      <button type="button" data-testid="export-csv" onClick={() => void save("csv")}>
        CSV
      </button>
      <label>
        <input
          type="checkbox"
          data-testid="redact"
          checked={redact}
          onChange={(event) => setRedact(event.currentTarget.checked)}
        />{" "}
        redact addresses
      </label>
      <span role="status" class="muted">
        {note}
      </span>
    </fieldset>
  );
}
