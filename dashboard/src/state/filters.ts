/** The state of the view. All of it is in the URL: a copied URL opens the same view, and the back button works. */

import { computed, signal } from "@preact/signals";
import {
  ANY_KIND,
  DIMENSIONS,
  type Dimension,
  type Filters,
  filtersFromQuery,
  NO_FILTERS,
  queryFromFilters,
} from "./filters-in-url.ts";

export const filters = signal(filtersFromQuery(location.search));

/** Changes the view. `replace` makes no new entry in the browser's history, for changes while the user types or drags. */
export function setFilters(change: Partial<Filters>, how: "push" | "replace" = "push"): void {
  const next = { ...filters.peek(), ...change };
  const url = location.pathname + queryFromFilters(next);
  if (queryFromFilters(next) !== queryFromFilters(filters.peek())) {
    if (how === "push") history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  }
  filters.value = next;
}

/** Sets the wanted filters. If all of them are already set, it removes them, as a second click on a button does. */
export function toggleFilters(wanted: Partial<Record<Dimension, string>>): void {
  const entries = Object.entries(wanted) as [Dimension, string][];
  const isSet = entries.every(([name, value]) => filters.peek()[name] === value);
  setFilters(Object.fromEntries(entries.map(([name, value]) => [name, isSet ? "" : value])));
}

export function clearFilters(): void {
  const { range, by, sort, tab, theme } = filters.peek();
  setFilters({ ...NO_FILTERS, range, by, sort, tab, theme });
}

/** The filters as parameters for the history. */
export const historyQuery = computed(() => {
  const { kind, reason, source, phase, addr, via, since, until } = filters.value;
  return {
    kind: kind === ANY_KIND ? "" : kind,
    reason,
    source,
    phase,
    addr,
    via,
    since_unix: since,
    until_unix: until,
  };
});

export const anyFilter = computed(() => {
  const { text, since, until } = filters.value;
  return Boolean(text || since !== null || until !== null || DIMENSIONS.some((name) => filters.value[name]));
});

window.addEventListener("popstate", () => {
  filters.value = filtersFromQuery(location.search);
});
