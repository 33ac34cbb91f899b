/** The active filters, each with a button to remove it. */

import type { ComponentChildren } from "preact";
import { PeerLine } from "../shared/PeerText.tsx";
import { nowUnix } from "../state/clock.ts";
import { anyFilter, clearFilters, filters, setFilters } from "../state/filters.ts";
import { ANY_KIND, DIMENSIONS, type Dimension, type Filters } from "../state/filters-in-url.ts";
import { shortTime, words } from "../text/format.ts";
import "./filters.css";

const LABELS = {
  kind: "kind",
  reason: "reason",
  source: "source",
  phase: "phase",
  addr: "address",
  via: "via",
} as const;

export function FilterBar() {
  const now = filters.value;
  return (
    <section
      class={anyFilter.value ? "filters" : "filters filters-empty"}
      data-testid="filters"
      aria-labelledby="filters-title"
    >
      <h2 id="filters-title" class="visually-hidden">
        Filters
      </h2>
      {!anyFilter.value && (
        <p class="muted">No filters. Click a bar, a cell, a node or an address to filter the dials.</p>
      )}
      <ul>
        {DIMENSIONS.filter((name) => now[name]).map((name) => (
          <Chip key={name} label={LABELS[name]} remove={{ [name]: "" }}>
            <PeerLine text={chipText(name, now[name])} />
          </Chip>
        ))}
        {now.text && (
          <Chip label="text" remove={{ text: "" }}>
            <PeerLine text={now.text} />
          </Chip>
        )}
        {(now.since !== null || now.until !== null) && (
          <Chip label="time" remove={{ since: null, until: null }}>
            {now.since === null ? "…" : shortTime(now.since, nowUnix.value)} to{" "}
            {now.until === null ? "now" : shortTime(now.until, nowUnix.value)}
          </Chip>
        )}
      </ul>
      {anyFilter.value && (
        <button type="button" class="small" onClick={clearFilters}>
          Clear all
        </button>
      )}
    </section>
  );
}

function chipText(name: Dimension, value: string): string {
  if (name === "kind" && value === ANY_KIND) return "everything, including skips";
  return name === "addr" || name === "via" ? value : words(value);
}

function Chip({ label, remove, children }: { label: string; remove: Partial<Filters>; children: ComponentChildren }) {
  return (
    <li class="chip">
      <span class="chip-label">{label}</span>
      <span class="chip-value">{children}</span>
      <button type="button" aria-label={`Remove the filter by ${label}`} onClick={() => setFilters(remove)}>
        ×
      </button>
    </li>
  );
}
