import { describe, expect, test } from "vitest";
import type { TimedCounts } from "../src/api/shapes.ts";
import { bucketStarts, bucketWindow, REST, stack } from "../src/failures-chart/stacking.ts";
import { EventStore } from "../src/state/event-store.ts";
import { liveSeries } from "../src/state/live-series.ts";
import { event } from "./events.ts";

const hour: TimedCounts = { since_unix: 0, until_unix: 240, bucket_s: 60, series: {}, counts: [], starts_unix: [] };

describe("stacked bars", () => {
  test("the most frequent is at the bottom, and each begins where the one below ends", () => {
    const layers = stack({ rare: [1, 0, 1], often: [5, 2, 0], never: [0, 0, 0] });
    expect(layers.map(({ name, total }) => [name, total])).toEqual([
      ["often", 7],
      ["rare", 2],
    ]);
    expect(layers[1]?.tops).toEqual([6, 2, 1]);
  });

  test("with more than nine names the rest share one layer, and nothing is lost", () => {
    const series = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`reason_${n}`, [n + 1, 1]]));
    const layers = stack(series);
    expect(layers).toHaveLength(9);
    expect(layers.at(-1)?.name).toBe(REST);
    const total = Object.values(series).reduce((sum, [a = 0, b = 0]) => sum + a + b, 0);
    expect(layers.reduce((sum, layer) => sum + layer.total, 0)).toBe(total);
    expect(layers.at(-1)?.tops.reduce((a, b) => a + b, 0)).toBe(total);
  });

  test("no counts make no layers", () => {
    expect(stack({})).toEqual([]);
  });

  test("a selection grows to whole buckets, and stays within the chart", () => {
    expect(bucketStarts(hour)).toEqual([0, 60, 120, 180]);
    expect(bucketWindow(hour, 70, 130)).toEqual({ since: 60, until: 180 });
    expect(bucketWindow(hour, 61, 61.001)).toEqual({ since: 60, until: 120 });
    expect(bucketWindow(hour, -50, 9_999)).toEqual({ since: 0, until: 240 });
  });
});

describe("bars of the events on the page", () => {
  test("each event counts in its ten seconds, and events that do not match are not counted", () => {
    const store = new EventStore();
    store.add([
      event({ seq: 1, at_unix: 995 }),
      event({ seq: 2, at_unix: 995.5, reason: "banned" }),
      event({ seq: 3, at_unix: 400 }),
      event({ seq: 4, at_unix: 400.1, kind: "succeeded", reason: null }),
      event({ seq: 5, at_unix: 1 }),
    ]);
    const shown = liveSeries(store.rows, {
      nowUnix: 999,
      length_s: 600,
      startedUnix: 1,
      by: "reason",
      kind: "failure",
    });
    expect(shown.since_unix).toBe(400);
    expect(shown.series.timeout?.at(0)).toBe(1);
    expect(shown.series.timeout?.at(-1)).toBe(1);
    expect(shown.series.banned?.at(-1)).toBe(1);
    expect(shown.counts.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(shown.starts_unix).toEqual([]);
  });
});
