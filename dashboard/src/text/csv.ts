import { visible } from "./visible.ts";

/**
 * One cell (RFC 4180). A text that a spreadsheet would take for a formula gets a leading apostrophe, because peers choose
 * some of these texts (OWASP, CSV injection).
 */
export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  // A number may be negative; only text, which may come from a peer, must not look like a formula.
  if (typeof value !== "string") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${visible(value)}` : visible(value);
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function csv(rows: (string | number | boolean | null)[][]): string {
  return rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}
