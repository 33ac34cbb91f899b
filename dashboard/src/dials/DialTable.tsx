/** Every dial as it ends, newest first. There may be thousands of rows; only those in view are in the document. */

import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { SortHead } from "../shared/SortHead.tsx";
import { useVirtualRows } from "../shared/virtual-rows.ts";
import type { GapRow, Row } from "../state/event-store.ts";
import { loadOlder, paging } from "../state/events.ts";
import { filters, setFilters } from "../state/filters.ts";
import { panel } from "../state/panel.ts";
import { historyOn } from "../state/status.ts";
import { plural } from "../text/format.ts";
import { COLUMNS } from "./columns.ts";
import { DialRow } from "./DialRow.tsx";
import { DialTools } from "./DialTools.tsx";
import { NoDials } from "./NoDials.tsx";
import { shownRows } from "./shown.ts";
import { totalSeconds } from "./waterfall-layout.ts";
import "./dials.css";

const ROW_HEIGHT = 30;
/** How many rows PageUp and PageDown move. */
const PAGE_ROWS = 15;

/** The common end of all waterfalls: the slowest dial in the table. */
function slowest(rows: readonly Row[]): number {
  return rows.reduce((most, row) => (row.type === "event" ? Math.max(most, totalSeconds(row.event)) : most), 0);
}

export function openRow(row: Row): void {
  if (row.type === "event") panel.value = { of: "dial", key: row.key, event: row.event };
}

export function DialTable() {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string | null>(null);
  const shown = shownRows.value;
  const virtual = useVirtualRows(shown.length, ROW_HEIGHT, scroller);
  const most_s = slowest(shown);
  const activeIndex = Math.max(
    0,
    shown.findIndex((row) => row.key === active),
  );

  useSteadyView(scroller, shown);

  // Tab must reach a row even if the active one has scrolled out of view.
  const isInSight = virtual.items.some(({ index }) => index === activeIndex);
  const tabStop = isInSight ? activeIndex : (virtual.items[0]?.index ?? 0);

  function moveTo(index: number): void {
    const row = shown[Math.min(shown.length - 1, Math.max(0, index))];
    if (!row) return;
    setActive(row.key);
    virtual.scrollTo(shown.indexOf(row));
    // The row may have to be added to the document first.
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(row.key)}"]`)?.focus(),
    );
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLTableRowElement)) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE_ROWS, PageUp: -PAGE_ROWS };
    const step = steps[event.key];
    const row = shown[activeIndex];
    if (step !== undefined) moveTo(activeIndex + step);
    else if (event.key === "Home") moveTo(0);
    else if (event.key === "End") moveTo(shown.length - 1);
    else if (event.key === "Enter" && row) openRow(row);
    else return;
    event.preventDefault();
  }

  return (
    <div data-testid="dials" class="dials">
      <DialTools />
      <div class="table-scroll dial-scroll" ref={scroller}>
        {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table whose rows take the focus is a grid. */}
        <table role="grid" aria-rowcount={shown.length + 1} aria-label="Dials" class="dial-table" onKeyDown={onKeyDown}>
          <thead>
            <tr aria-rowindex={1}>
              {COLUMNS.map(({ name, label }) => (
                <SortHead
                  key={name}
                  name={name}
                  label={label}
                  sort={filters.value.sort}
                  onSort={(sort) => setFilters({ sort })}
                />
              ))}
              <th scope="col" class="col-waterfall">
                Phases
              </th>
            </tr>
          </thead>
          <tbody>
            <Spacer height={virtual.before} />
            {virtual.items.map(({ index }) => {
              const row = shown[index];
              if (!row) return null;
              if (row.type === "gap") return <Gap key={row.key} row={row} index={index} />;
              return (
                <DialRow
                  key={row.key}
                  row={row}
                  index={index}
                  most_s={most_s}
                  isActive={index === tabStop}
                  onFocus={() => setActive(row.key)}
                  onOpen={() => openRow(row)}
                />
              );
            })}
            <Spacer height={virtual.after} />
          </tbody>
        </table>
        {shown.length === 0 && <NoDials />}
      </div>
      <Older />
    </div>
  );
}

/**
 * Keeps the rows that a reader looks at in place while new rows appear above them, as long as the table is scrolled down
 * or has the focus. When the filters or the sorting change, the table scrolls to the top.
 */
function useSteadyView(scroller: RefObject<HTMLDivElement | null>, shown: readonly Row[]): void {
  const anchor = useRef<{ key: string; index: number } | null>(null);
  const choice = JSON.stringify(filters.value);
  useLayoutEffect(() => {
    anchor.current = null;
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [choice]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const { current } = anchor;
    const isRead = element.scrollTop > 0 || element.contains(document.activeElement);
    if (current && isRead) {
      const moved = shown.findIndex((row) => row.key === current.key) - current.index;
      if (moved > 0) element.scrollTop += moved * ROW_HEIGHT;
    }
    const first = Math.floor(element.scrollTop / ROW_HEIGHT);
    const row = shown[first];
    anchor.current = row ? { key: row.key, index: first } : null;
  });
}

function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: it cannot be focused.
    <tr aria-hidden="true" class="spacer">
      <td colSpan={COLUMNS.length + 1} style={{ height: `${height}px` }} />
    </tr>
  );
}

function Gap({ row, index }: { row: GapRow; index: number }) {
  const { missed, after_seq, next_seq } = row.gap;
  const text =
    missed === null
      ? "The node restarted here; its numbers start again from 1."
      : `${plural(missed, "event was", "events were")} lost here (numbers ${after_seq + 1} to ${next_seq - 1}).`;
  return (
    <tr class="gap-row" data-testid="gap-row" data-key={row.key} aria-rowindex={index + 2}>
      <td colSpan={COLUMNS.length + 1}>
        {text}
        {missed !== null && historyOn.value && " Loading them from the history."}
      </td>
    </tr>
  );
}

function Older() {
  const { state, problem } = paging.value;
  if (!historyOn.value) return null;
  return (
    <p class="older">
      {state === "done" && <span class="muted">The history has no older dials for these filters.</span>}
      {state === "full" && <span class="muted">The page is full; narrow the filters to see older dials.</span>}
      {(state === "idle" || state === "loading") && (
        <button type="button" disabled={state === "loading"} onClick={() => void loadOlder()}>
          {state === "loading" ? "Loading …" : "Load older"}
        </button>
      )}
      {problem && <span class="problem">{problem}</span>}
    </p>
  );
}
