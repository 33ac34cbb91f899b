/** Counts over time: from the history, or from the events on this page. */

import { computed, effect, signal } from "@preact/signals";
import { getJson } from "../api/client.ts";
import type { TimedCounts } from "../api/shapes.ts";
import type { EventCount, PastFindingView } from "../api/types.ts";
import { nowUnix } from "./clock.ts";
import { rows } from "./events.ts";
import { filters } from "./filters.ts";
import { ANY_KIND, RANGES, type Range } from "./filters-in-url.ts";
import { liveSeries } from "./live-series.ts";
import { historyOn, status } from "./status.ts";

/** A node that has run for less than this has too little to show in a chart of one hour. */
const YOUNG_S = 600;

const firstUptime = signal<number | null>(null);

/** The range that is shown: the selected one if there is a history. */
export const range = computed<Range>(() => {
  if (!historyOn.value) return "live";
  return filters.value.range || ((firstUptime.value ?? 0) < YOUNG_S ? "live" : "1h");
});

/** The kind of events that the chart counts: failures unless another kind is selected. */
export const chartKind = computed(() => {
  const { kind } = filters.value;
  return kind && kind !== ANY_KIND ? kind : "failure";
});

interface Loaded {
  query: string;
  series: TimedCounts;
}
const loaded = signal<Loaded | null>(null);
export const seriesProblem = signal<string | null>(null);

const wantedQuery = computed(() => {
  const { by, reason, source, phase } = filters.value;
  const length = RANGES[range.value];
  return JSON.stringify({
    length,
    by,
    kind: chartKind.value,
    // A filter on the dimension of the chart highlights a layer; the other filters select what is counted.
    reason: by === "reason" ? "" : reason,
    source: by === "source" ? "" : source,
    phase,
  });
});

/** Follows the clock in steps, so that the live chart is not redrawn for every event. */
const tick = computed(() => Math.floor(nowUnix.value / 2));

/** The counts of the chart; null: not known yet. */
export const series = computed<TimedCounts | null>(() => {
  if (range.value !== "live") return loaded.value?.series ?? null;
  tick.value;
  return liveSeries(rows.value, {
    nowUnix: nowUnix.peek(),
    length_s: RANGES.live,
    startedUnix: status.value?.started_unix ?? null,
    ...JSON.parse(wantedQuery.value),
  });
});

const allCounts = signal<EventCount[] | null>(null);

/** Counts of all kinds in the range, without filters, for the grid and the flow. */
export const counts = computed<EventCount[]>(() => {
  if (range.value !== "live") return allCounts.value ?? [];
  tick.value;
  return liveSeries(rows.value, { nowUnix: nowUnix.peek(), length_s: RANGES.live, startedUnix: null, by: "kind" })
    .counts;
});

let asked = 0;

async function load(query: string): Promise<void> {
  asked += 1;
  const mine = asked;
  const { length, ...rest } = JSON.parse(query);
  const until = nowUnix.peek();
  const window = { since_unix: Math.floor(until - length), until_unix: Math.ceil(until) };
  try {
    const [bars, all] = await Promise.all([
      getJson("api/p2p/history/series", { ...window, ...rest }),
      getJson("api/p2p/history/series", { ...window, by: "kind" }),
    ]);
    if (mine !== asked) return;
    loaded.value = { query, series: bars };
    allCounts.value = all.counts;
    seriesProblem.value = null;
  } catch (error) {
    if (mine === asked) seriesProblem.value = error instanceof Error ? error.message : String(error);
  }
}

export const pastFindings = signal<PastFindingView[] | null>(null);

export async function loadPastFindings(): Promise<void> {
  try {
    const view = await getJson("api/p2p/history/findings", { limit: 100 });
    pastFindings.value = view.findings;
  } catch {
    pastFindings.value = null;
  }
}

function refreshMs(length: number): number {
  return length <= RANGES["1h"] ? 10_000 : 60_000;
}

/** Starts loading counts. Call it once. */
export function startHistory(): void {
  effect(() => {
    const { value } = status;
    if (value && firstUptime.peek() === null) firstUptime.value = value.at_unix - value.started_unix;
  });
  effect(() => {
    if (range.value === "live" || !historyOn.value) return;
    const query = wantedQuery.value;
    void load(query);
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void load(query);
    }, refreshMs(RANGES[range.value]));
    return () => clearInterval(timer);
  });
}
