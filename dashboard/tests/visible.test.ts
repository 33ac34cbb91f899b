import { describe, expect, test } from "vitest";
import { visible, visibleLabel, visibleStart } from "../src/text/visible.ts";

describe("text from peers", () => {
  test.each([
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["a\u2066b\u2069", "a\\u2066b\\u2069"],
    ["a\u0000b\u001b[31m\u007f\u0085", "a\\u0000b\\u001b[31m\\u007f\\u0085"],
    ["line\r\nfeed\tx", "line\\u000d\\u000afeed\\u0009x"],
    ["zero\u200bwidth\u200d\ufeff\u00ad", "zero\\u200bwidth\\u200d\\ufeff\\u00ad"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["no\u00a0break\u3000wide", "no\\u00a0break\\u3000wide"],
    ["filler\u3164\u115f\u2800", "filler\\u3164\\u115f\\u2800"],
    ["tag\u{e0041}", "tag\\u{e0041}"],
    ["half \ud83d", "half \\ud83d"],
  ])("%j is shown as %s", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test("visible text stays unchanged", () => {
    const text = "<img src=x onerror=alert(1)> Grüße, 日本語, العربية, 🙂 a b";
    expect(visible(text)).toBe(text);
  });

  test("a long text is cut, but never within a character", () => {
    expect(visibleStart("abcdef", 6)).toEqual({ shown: "abcdef", cut: false });
    expect(visibleStart("abcdef", 3)).toEqual({ shown: "abc", cut: true });
    expect(visibleStart("ab🙂cd", 3)).toEqual({ shown: "ab", cut: true });
    expect(visibleLabel("x".repeat(500)).length).toBe(121);
  });

  test("a megabyte is handled too quickly to notice", () => {
    const began = performance.now();
    expect(visible("\u202e".repeat(1_000_000)).length).toBe(6_000_000);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
