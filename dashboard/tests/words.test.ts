import { describe, expect, test } from "vitest";
import { bytesAsText, evidenceWords } from "../src/panel/evidence-words.ts";
import { DialRate } from "../src/state/dial-rate.ts";
import { duration, percent, span } from "../src/text/format.ts";
import { parts } from "../src/text/template.ts";

describe("the template of a sentence", () => {
  test.each([
    ["", []],
    ["no value", [{ text: "no value", name: null }]],
    [
      "{count} peers are off: {addrs_item1}.",
      [
        { text: null, name: "count" },
        { text: " peers are off: ", name: null },
        { text: null, name: "addrs_item1" },
        { text: ".", name: null },
      ],
    ],
    [
      "a {{b}} {{{c}}}",
      [
        { text: "a {b} {", name: null },
        { text: null, name: "c" },
        { text: "}", name: null },
      ],
    ],
  ])("%s", (template, expected) => {
    expect(parts(template)).toEqual(expected);
  });
});

describe("evidence in words", () => {
  test("names the hop and the kind of an ICMP error", () => {
    expect(evidenceWords({ icmp: { type: 3, code: 13, hop: "198.18.2.2" } })).toEqual([
      "198.18.2.2 answered with the ICMP error communication administratively prohibited (type 3, code 13).",
    ]);
    expect(evidenceWords({ icmp: { type: 1, code: 4, hop: "2001:db8::1" } })[0]).toContain("port unreachable");
  });

  test("has no sentence for what is not known", () => {
    expect(evidenceWords({})).toEqual([]);
    expect(evidenceWords({ ours: 1, theirs: 2, new_key: "x" })).toEqual([]);
  });

  test("an ICMP error without a name is shown by its numbers", () => {
    expect(evidenceWords({ icmp: { type: 3, code: 99, hop: "198.18.2.2" } })).toEqual([
      "198.18.2.2 answered with an ICMP error of type 3, code 99.",
    ]);
  });

  test("a masked hop still has its IP version", () => {
    expect(evidenceWords({ icmp: { type: 1, code: 4, hop: "ipv6-0a1b2c3d" } })[0]).toContain("port unreachable");
  });

  test("says each thing once, in the words for its value", () => {
    expect(evidenceWords({ unacknowledged: 0, in_use: 5, limit: 9, errno: "EMFILE" })).toEqual([
      "The kernel said EMFILE.",
      "The peer's kernel has all that we sent; its program does not answer.",
      "5 of 9 were in use.",
    ]);
  });

  test("shows bytes as text only if there are any", () => {
    expect(bytesAsText("485454502f00ff3c")).toBe("HTTP/..<");
  });
});

describe("numbers", () => {
  test.each([
    [0.000_203, "203 µs"],
    [0.0052, "5.2 ms"],
    [0.131, "131 ms"],
    [6, "6.00 s"],
    [36.4, "36 s"],
    [600, "10 min"],
  ])("%d s took %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test("a share is never rounded to 0% or 100%", () => {
    expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual(["0%", "<1%", "50%", ">99%", "100%"]);
  });

  test("spans have a suitable unit", () => {
    expect([5, 300, 7200, 86_400 * 3].map(span)).toEqual(["5 s", "5 min", "2 h", "3 d"]);
  });
});

describe("dials per minute", () => {
  test("are measured over the last minute, and unknown at first", () => {
    const rate = new DialRate();
    rate.add(1000, 10, 1);
    expect(rate.view().perMinute).toBeNull();
    for (let second = 1; second <= 120; second++) rate.add(1000 + second, 10 + second * 2, 1);
    expect(rate.view().perMinute).toBe(120);
    expect(rate.view().bars.reduce((a, b) => a + b, 0)).toBe(240);
  });

  test("start again when the node restarts", () => {
    const rate = new DialRate();
    rate.add(1000, 5000, 1);
    rate.add(1010, 3, 2);
    expect(rate.view()).toMatchObject({ perMinute: null, over_s: 0 });
  });
});
