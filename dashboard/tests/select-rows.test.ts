import { describe, expect, test } from "vitest";
import { selectRows } from "../src/dials/select-rows.ts";
import { EventStore } from "../src/state/event-store.ts";
import { NO_FILTERS } from "../src/state/filters-in-url.ts";
import { event } from "./events.ts";

const store = new EventStore();
store.add(
  [
    event({ seq: 1, at_unix: 1, duration_s: 3, phases_s: {}, addr: "b:1" }),
    event({ seq: 2, at_unix: 2, duration_s: 1, phases_s: {}, addr: "c:1", reason: "banned", detail: "Go AWAY" }),
    event({ seq: 3, at_unix: 3, duration_s: 2, phases_s: {}, addr: "a:1", kind: "succeeded", reason: null }),
    event({
      seq: 4,
      at_unix: 4,
      duration_s: null,
      phases_s: {},
      kind: "skip",
      reason: "backoff_active",
      phase: "policy",
    }),
  ],
  [{ type: "gap", key: "g", at_unix: 2.5, gap: { after_seq: 1, next_seq: 9, missed: 7 } }],
);

function seqs(change: Partial<typeof NO_FILTERS>) {
  return selectRows(store.rows, { ...NO_FILTERS, ...change }).map((row) =>
    row.type === "gap" ? "gap" : row.event.seq,
  );
}

describe("which rows are shown", () => {
  test("skips only if a filter includes them", () => {
    expect(seqs({})).toEqual([3, "gap", 2, 1]);
    expect(seqs({ kind: "any" })).toEqual([4, 3, "gap", 2, 1]);
    expect(seqs({ kind: "skip", sort: "addr" })).toEqual([4]);
    expect(seqs({ reason: "backoff_active", sort: "addr" })).toEqual([4]);
    expect(seqs({ phase: "policy", sort: "addr" })).toEqual([4]);
  });

  test("sorted by time in both directions, with gaps; by any other column, without gaps", () => {
    expect(seqs({ sort: "time" })).toEqual([1, 2, "gap", 3]);
    expect(seqs({ sort: "addr" })).toEqual([3, 1, 2]);
    expect(seqs({ sort: "-duration" })).toEqual([1, 3, 2]);
  });

  test("filtered by name, window and text", () => {
    expect(seqs({ reason: "banned", sort: "addr" })).toEqual([2]);
    expect(seqs({ since: 2, until: 3, sort: "addr" })).toEqual([2]);
    expect(seqs({ text: " go away ", sort: "addr" })).toEqual([2]);
    expect(seqs({ addr: "b:1", sort: "addr" })).toEqual([1]);
  });
});
