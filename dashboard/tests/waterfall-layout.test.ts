import { describe, expect, test } from "vitest";
import { phaseBars, place, totalSeconds } from "../src/dials/waterfall-layout.ts";

describe("waterfall", () => {
  test("phases follow each other in the order of a dial, whatever order they arrive in", () => {
    const bars = phaseBars({ phases_s: { handshake: 3, resolve: 1, connect: 2 }, duration_s: 6 });
    expect(bars).toEqual([
      { name: "resolve", start_s: 0, length_s: 1 },
      { name: "connect", start_s: 1, length_s: 2 },
      { name: "handshake", start_s: 3, length_s: 3 },
    ]);
  });

  test("time outside all phases is shown as such; rounding is not", () => {
    expect(phaseBars({ phases_s: { connect: 1 }, duration_s: 3 }).at(-1)).toEqual({
      name: "between",
      start_s: 1,
      length_s: 2,
    });
    expect(phaseBars({ phases_s: { connect: 1 }, duration_s: 1.005 })).toHaveLength(1);
    expect(phaseBars({ phases_s: {}, duration_s: null })).toEqual([]);
  });

  test("the total is never less than its parts", () => {
    expect(totalSeconds({ phases_s: { connect: 2, handshake: 3 }, duration_s: 4 })).toBe(5);
  });

  test("positions keep their order and stay on the axis", () => {
    const places = [0, 0.0005, 0.1, 1, 36, 99].map((seconds) => place(seconds, 36, 180));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBe(180);
    expect(place(1, 0, 180)).toBe(0);
  });
});
