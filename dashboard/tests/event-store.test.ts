import { describe, expect, test } from "vitest";
import { EventStore } from "../src/state/event-store.ts";
import { event } from "./events.ts";

function many(first: number, length: number, kind: "failure" | "skip" = "failure") {
  return Array.from({ length }, (_, n) => event({ seq: first + n, at_unix: 1000 + first + n, kind }));
}

describe("the events on the page", () => {
  test("are sorted newest first, each once, from whatever source", () => {
    const store = new EventStore();
    store.add(many(1, 3));
    store.add([...many(2, 4)].reverse());
    store.addFound(many(0, 2));
    expect(store.rows.map((row) => row.type === "event" && row.event.seq)).toEqual([5, 4, 3, 2, 1, 0]);
  });

  test("with the same numbers after a restart are different events", () => {
    const store = new EventStore();
    store.add([event({ seq: 1, at_unix: 10 }), event({ run: "ff".repeat(16), seq: 1, at_unix: 20 })]);
    expect(store.rows).toHaveLength(2);
  });

  test("never exceed the limit: the oldest are dropped and counted", () => {
    const store = new EventStore(100);
    for (let first = 0; first < 1000; first += 10) store.add(many(first, 10));
    expect(store.rows).toHaveLength(100);
    expect(store.droppedTotal).toBe(900);
    expect(store.rows[0]?.at_unix).toBe(1999);
  });

  test("from the history count too, and have a limit of their own", () => {
    const store = new EventStore(100, 60);
    store.add(many(1000, 100));
    expect(store.addFound(many(0, 80))).toBe(60);
    expect(store.isFull).toBe(true);
    expect(store.rows).toHaveLength(100);
    store.clearFound();
    expect(store.rows).toHaveLength(40);
  });

  test("that are skips do not push out dials", () => {
    const store = new EventStore(100, 60, 20);
    store.add(many(0, 50));
    store.add(many(1000, 500, "skip"));
    const kinds = store.rows.map((row) => row.type === "event" && row.event.kind);
    expect(kinds.filter((kind) => kind === "failure")).toHaveLength(50);
    expect(kinds.filter((kind) => kind === "skip")).toHaveLength(20);
  });

  test("that begin a dial make no row; a gap does", () => {
    const store = new EventStore();
    const gap = { type: "gap" as const, key: "gap-1", at_unix: 1002.5, gap: { after_seq: 2, next_seq: 9, missed: 6 } };
    store.add([event({ kind: "started" }), ...many(1, 3)], [gap]);
    expect(store.rows.map((row) => row.type)).toEqual(["event", "gap", "event", "event"]);
  });
});
