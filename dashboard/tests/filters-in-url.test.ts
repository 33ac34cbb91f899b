import { describe, expect, test } from "vitest";
import { type Filters, filtersFromQuery, NO_FILTERS, queryFromFilters } from "../src/state/filters-in-url.ts";

describe("filters in the URL", () => {
  test("no filters make no query", () => {
    expect(queryFromFilters(NO_FILTERS)).toBe("");
    expect(filtersFromQuery("")).toEqual(NO_FILTERS);
  });

  test("every filter survives unchanged, whatever a peer wrote in it", () => {
    const all: Filters = {
      kind: "failure",
      reason: "timeout",
      source: "gossip",
      phase: "connect",
      addr: "[2001:db8::1]:7072",
      via: "ev=il&x=%3C\u202e.example:1",
      text: "a b+c#d?",
      since: 1_795_438_201.5,
      until: 0,
      range: "24h",
      by: "source",
      sort: "-duration",
      tab: "peers",
      theme: "dark",
    };
    expect(filtersFromQuery(queryFromFilters(all))).toEqual(all);
  });

  test("invalid values in a URL are ignored", () => {
    const said = "?range=9y&by=evil&tab=x&theme=pink&since=abc&until=-5&sort=__proto__&__proto__=1&constructor=2";
    expect(filtersFromQuery(said)).toEqual(NO_FILTERS);
    expect(filtersFromQuery("?since=Infinity&until=NaN")).toEqual(NO_FILTERS);
  });

  test("a value is cut to the longest possible name", () => {
    expect(filtersFromQuery(`?addr=${"x".repeat(100_000)}`).addr.length).toBe(300);
  });
});
