import { DialTable } from "../dials/DialTable.tsx";
import { Mesh } from "../mesh/Mesh.tsx";
import { PeerBook } from "../peers/PeerBook.tsx";
import { filters, setFilters } from "../state/filters.ts";
import type { Tab } from "../state/filters-in-url.ts";

const TABS: readonly { name: Tab; label: string }[] = [
  { name: "dials", label: "Dials" },
  { name: "peers", label: "Peer book" },
  { name: "mesh", label: "Mesh" },
];

function moveFocus(event: KeyboardEvent, index: number): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const next = TABS[(index + step + TABS.length) % TABS.length];
  if (step === 0 || !next) return;
  event.preventDefault();
  setFilters({ tab: next.name });
  document.getElementById(`tab-${next.name}`)?.focus();
}

export function Tabs() {
  const current = filters.value.tab;
  return (
    <section class="tabs" aria-label="Details">
      <div class="tablist" role="tablist" aria-label="Details">
        {TABS.map(({ name, label }, index) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === current}
            aria-controls={`panel-${name}`}
            tabIndex={name === current ? 0 : -1}
            onClick={() => setFilters({ tab: name })}
            onKeyDown={(event) => moveFocus(event, index)}
          >
            {label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`panel-${current}`} aria-labelledby={`tab-${current}`} class="card">
        {current === "dials" && <DialTable />}
        {current === "peers" && <PeerBook />}
        {current === "mesh" && <Mesh />}
      </div>
    </section>
  );
}
