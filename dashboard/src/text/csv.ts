import { visible } from "./visible.ts";

/**
 * One cell (RFC 4180). A cell that a spreadsheet would take for a formula gets a leading apostrophe: peers choose some
 * of these texts (OWASP, CSV injection).
 */
export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  // One of our numbers may be negative; a text of a peer may not look like one.
  if (typeof value !== "string") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${visible(value)}` : visible(value);
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function csv(rows: (string | number | boolean | null)[][]): string {
  return rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}
