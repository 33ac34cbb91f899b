/** The state of the view, and how a URL stores it. Pure; `filters.ts` has the present state. */

export const RANGES = { live: 600, "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 } as const;
export type Range = keyof typeof RANGES;

const TABS = ["dials", "peers", "mesh"] as const;
export type Tab = (typeof TABS)[number];

/** Filters of events that the API has too, each with one value. */
export const DIMENSIONS = ["kind", "reason", "source", "phase", "addr", "via"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The kind that stands for everything, including skips. Without a kind, skips are left out, because they are so many. */
export const ANY_KIND = "any";

export interface Filters extends Record<Dimension, string> {
  text: string;
  since: number | null;
  until: number | null;
  /** "": the page chooses. */
  range: Range | "";
  by: "reason" | "source";
  /** The name of a column, with a leading "-" for descending order. */
  sort: string;
  tab: Tab;
  theme: "light" | "dark" | "";
}

export const NO_FILTERS: Filters = {
  kind: "",
  reason: "",
  source: "",
  phase: "",
  addr: "",
  via: "",
  text: "",
  since: null,
  until: null,
  range: "",
  by: "reason",
  sort: "-time",
  tab: "dials",
  theme: "",
};

/** Longer than any name or address. Anybody can write a URL, so values in it need a bound. */
const VALUE_LIMIT = 300;

function oneOf<T extends string, D>(allowed: readonly T[], value: string | null, otherwise: D): T | D {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

function time(value: string | null): number | null {
  const number = value ? Number(value) : Number.NaN;
  return Number.isFinite(number) && number >= 0 ? number : null;
}

/** The filters in the query part of a URL. Invalid values are ignored. */
export function filtersFromQuery(query: string): Filters {
  const said = new URLSearchParams(query);
  const filters: Filters = {
    ...NO_FILTERS,
    text: (said.get("text") ?? "").slice(0, VALUE_LIMIT),
    since: time(said.get("since")),
    until: time(said.get("until")),
    range: oneOf(Object.keys(RANGES) as Range[], said.get("range"), ""),
    by: oneOf(["reason", "source"], said.get("by"), "reason"),
    tab: oneOf(TABS, said.get("tab"), "dials"),
    theme: oneOf(["light", "dark"], said.get("theme"), ""),
  };
  for (const dimension of DIMENSIONS) filters[dimension] = (said.get(dimension) ?? "").slice(0, VALUE_LIMIT);
  const sort = said.get("sort");
  if (sort && /^-?[a-z]{1,20}$/.test(sort)) filters.sort = sort;
  return filters;
}

/** The query part of a URL for `filters`, without default values: "" or "?reason=timeout&tab=peers". */
export function queryFromFilters(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(NO_FILTERS)) {
    const value = filters[name as keyof Filters];
    if (value !== usual && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text && `?${text}`;
}
