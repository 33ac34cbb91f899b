import { describe, expect, test } from "vitest";
import { eventsAsCsv, eventsAsJson } from "../src/dials/export-file.ts";
import { csv, csvCell } from "../src/text/csv.ts";
import { event } from "./events.ts";

describe("CSV", () => {
  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])("a spreadsheet takes %j for text", (text) => {
    expect(csvCell(text)).toMatch(/^"?'/);
  });

  test("numbers stay numbers, and null is an empty cell", () => {
    expect(csvCell(-1.5)).toBe("-1.5");
    expect(csvCell(null)).toBe("");
    expect(csvCell(false)).toBe("false");
  });

  test("quotes and commas are quoted as RFC 4180 says", () => {
    expect(csv([["a,b", 'say "x"']])).toBe('"a,b","say ""x"""\r\n');
  });

  test("a detail with a line break does not make a second row", () => {
    const text = eventsAsCsv([event({ detail: 'x\r\n=cmd|" /C calc"!A0' })]);
    expect(text.trimEnd().split("\r\n")).toHaveLength(2);
    expect(text).toContain("x\\u000d\\u000a=cmd");
  });

  test("JSON is what the node sent", () => {
    const one = event({ detail: "\u202e=1" });
    expect(JSON.parse(eventsAsJson([one]))).toEqual({ events: [one] });
  });
});
