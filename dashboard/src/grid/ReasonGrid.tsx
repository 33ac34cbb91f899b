/** Reasons by source: which source causes which kind of trouble. */

import { useMemo } from "preact/hooks";
import { Empty } from "../shared/Empty.tsx";
import { filters, toggleFilters } from "../state/filters.ts";
import { counts, range } from "../state/history.ts";
import { reasons, sources } from "../state/reasons.ts";
import { count, words } from "../text/format.ts";
import { type Grid, type GridRow, gridOf } from "./grid-cells.ts";
import "./grid.css";

export function ReasonGrid() {
  const shown = counts.value;
  const grid = useMemo(() => gridOf(shown), [shown]);
  return (
    <section class="card" data-testid="grid" aria-labelledby="grid-title">
      <div class="card-head">
        <h2 id="grid-title">Reason by source</h2>
        <span class="muted">
          {range.value === "live" ? "last 10 min on this page" : `last ${range.value}`}; click a cell to filter
        </span>
      </div>
      {grid.rows.length === 0 ? <Empty>No failures or skips in this range.</Empty> : <GridTable grid={grid} />}
    </section>
  );
}

function GridTable({ grid }: { grid: Grid }) {
  const { source } = filters.value;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it must be possible to scroll it without a mouse.
    <section class="table-scroll grid-scroll" tabIndex={0} aria-label="Grid of reasons and sources">
      <table class="grid-table">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            {grid.sources.map((name) => (
              <th key={name} scope="col">
                <button
                  type="button"
                  aria-pressed={source === name}
                  title={sources.value.get(name) ?? name}
                  onClick={() => toggleFilters({ source: name })}
                >
                  {words(name)}
                </button>
              </th>
            ))}
            <th scope="col">All</th>
          </tr>
        </thead>
        <tbody>
          {grid.rows.map((row) => (
            <Row key={`${row.kind}/${row.reason}`} row={row} grid={grid} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ row, grid }: { row: GridRow; grid: Grid }) {
  const now = filters.value;
  const { reason, kind } = row;
  return (
    <tr class={`grid-${kind}`}>
      <th scope="row">
        <button
          type="button"
          aria-pressed={now.reason === reason}
          title={reasons.value.get(reason)?.meaning ?? reason}
          onClick={() => toggleFilters({ reason })}
        >
          {words(reason)}
          {kind === "skip" && <span class="muted"> skip</span>}
        </button>
      </th>
      {grid.sources.map((source) => {
        const n = row.bySource.get(source) ?? 0;
        if (n === 0) return <td key={source} class="nothing" />;
        return (
          <td key={source}>
            <button
              type="button"
              aria-pressed={now.reason === reason && now.source === source}
              aria-label={`${words(reason)} from ${words(source)}: ${count(n)}`}
              style={{ backgroundColor: heat(n, grid.most.get(kind) ?? n) }}
              onClick={() => toggleFilters({ reason, source })}
            >
              {count(n)}
            </button>
          </td>
        );
      })}
      <td class="total">{count(row.total)}</td>
    </tr>
  );
}

/** A tint that leaves the number readable. It uses a square-root scale, because counts differ widely. */
function heat(n: number, most: number): string {
  return `rgba(var(--heat), ${(0.06 + 0.38 * Math.sqrt(n / most)).toFixed(2)})`;
}
