/** The events on the page: from the live stream, and from the history with the present filters. */

import { computed, effect, signal } from "@preact/signals";
import { getJson } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import type { DialEvent, Gap, HistoryView } from "../api/types.ts";
import { nowUnix } from "./clock.ts";
import { EventStore, type GapRow, type Row } from "./event-store.ts";
import { filters, historyQuery } from "./filters.ts";
import { isShown } from "./shown-events.ts";
import { historyOn } from "./status.ts";

/** How many events of each kind to load first, so that one frequent kind does not hide the others. The API's maximum. */
const FIRST_FILL = 1_000;
const FIRST_KINDS = ["failure", "succeeded", "disconnect", "cancelled", "skip"] as const;
const PAGE = 500;
/** "Load older" continues until it has this many rows, because a page may have almost only skips; but not for ever. */
const ROWS_WANTED = 50;
const PAGES_LIMIT = 8;
/** The shortest time between two updates of the table, however fast events arrive. */
const FLUSH_MS = 250;
/** How many events may wait while the table is paused. The node and the history keep the others. */
const WAITING_LIMIT = 5_000;
const SETTLE_MS = 300;
/** Shorter than the time between two events. */
const MOMENT_S = 1e-6;

const store = new EventStore();
const version = signal(0);
let waiting: DialEvent[] = [];
let waitingGaps: GapRow[] = [];
let gapCount = 0;

export const paused = signal(false);
/** The time of the newest row when the table was paused. Newer rows from the history wait too. */
const pausedAtUnix = signal(Number.POSITIVE_INFINITY);
export const waitingCount = signal(0);
/** Whether the newest events have been loaded. */
export const filled = signal(false);

export interface Paging {
  state: "idle" | "loading" | "done" | "full";
  cursor: string | null;
  problem: string | null;
}
export const paging = signal<Paging>({ state: "idle", cursor: null, problem: null });

/** All rows of the page that may be shown, newest first. */
export const rows = computed<Row[]>(() => {
  version.value;
  const newest = pausedAtUnix.value;
  return newest === Number.POSITIVE_INFINITY ? store.rows : store.rows.filter((row) => row.at_unix <= newest);
});
export const droppedTotal = computed(() => {
  version.value;
  return store.droppedTotal;
});

export function takeEvent(event: DialEvent): void {
  if (event.kind === "started") return;
  if (waiting.length >= WAITING_LIMIT) waiting.shift();
  waiting.push(event);
}

export function takeGap(gap: Gap): void {
  gapCount += 1;
  // The lost events came right after the newest event on the page.
  const newest = waiting.at(-1)?.at_unix ?? store.rows[0]?.at_unix ?? nowUnix.peek();
  waitingGaps.push({ type: "gap", key: `gap-${gapCount}`, at_unix: newest + MOMENT_S, gap });
  if (historyOn.peek()) void fill();
}

function flush(): void {
  if (waitingCount.peek() !== waiting.length) waitingCount.value = waiting.length;
  if (paused.peek() || (waiting.length === 0 && waitingGaps.length === 0)) return;
  store.add(waiting, waitingGaps);
  waiting = [];
  waitingGaps = [];
  waitingCount.value = 0;
  version.value += 1;
}

export function setPaused(value: boolean): void {
  paused.value = value;
  pausedAtUnix.value = (value ? store.rows[0]?.at_unix : undefined) ?? Number.POSITIVE_INFINITY;
  flush();
}

/** Loads the newest events from the history or, without a history, the newest failures that the node keeps. */
export async function fill(): Promise<void> {
  try {
    store.add(await newest());
    filled.value = true;
    version.value += 1;
  } catch (error) {
    // If there is no answer at all, the state of the connection says what is wrong.
    if (error instanceof ApiError) paging.value = { state: "idle", cursor: null, problem: error.message };
  }
}

async function newest(): Promise<DialEvent[]> {
  if (!historyOn.peek()) return newestFailures();
  try {
    return await newestOfHistory();
  } catch (error) {
    // If the history cannot be read, the failures in memory remain. The page shows the state of the history elsewhere.
    if (error instanceof ApiError) return newestFailures();
    throw error;
  }
}

async function newestOfHistory(): Promise<DialEvent[]> {
  const pages = await Promise.all(FIRST_KINDS.map((kind) => getJson("api/p2p/history", { kind, limit: FIRST_FILL })));
  return pages.flatMap((page) => page.events);
}

async function newestFailures(): Promise<DialEvent[]> {
  const view = await getJson("api/p2p/failures", { limit: FIRST_FILL });
  return view.failures;
}

let asked = 0;

/** Loads older events from the history, with the present filters. */
export async function loadOlder(): Promise<void> {
  const before = paging.peek();
  if (before.state === "loading" || before.state === "done") return;
  if (store.isFull) {
    paging.value = { ...before, state: "full" };
    return;
  }
  asked += 1;
  const mine = asked;
  paging.value = { ...before, state: "loading", problem: null };
  try {
    let cursor = before.cursor;
    let found = 0;
    for (let page = 0; page < PAGES_LIMIT && found < ROWS_WANTED; page++) {
      const query = { ...historyQuery.peek(), limit: PAGE, cursor };
      const answer: HistoryView = await getJson("api/p2p/history", query);
      if (mine !== asked) return;
      const wanted = answer.events.filter((event) => isShown(event, filters.peek()));
      found += store.addFound(wanted);
      cursor = answer.next_cursor;
      if (cursor === null) break;
    }
    version.value += 1;
    paging.value = { state: cursor === null ? "done" : "idle", cursor, problem: null };
  } catch (error) {
    if (mine !== asked) return;
    paging.value = { ...before, state: "idle", problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Starts updating the table. Call it once. */
export function startEvents(): void {
  setInterval(flush, FLUSH_MS);
  let settle: ReturnType<typeof setTimeout> | undefined;
  let lastAsked = "{}";
  effect(() => {
    const wanted = JSON.stringify(historyQuery.value);
    if (!historyOn.value || wanted === lastAsked) return;
    clearTimeout(settle);
    settle = setTimeout(() => {
      lastAsked = wanted;
      asked += 1;
      store.clearFound();
      paging.value = { state: "idle", cursor: null, problem: null };
      void loadOlder();
    }, SETTLE_MS);
  });
}
