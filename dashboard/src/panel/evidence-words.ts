/** Evidence in the sentences of the program's table. Pure. An absent key gets no sentence. */

import { EVIDENCE_KEYS, ICMP_NAMES } from "../api/tables.ts";
import type { Evidence, Saying, ValueForm } from "../api/types.ts";
import { clockTime, count, duration, words } from "../text/format.ts";

type Values = Record<string, string>;

/** Printable ASCII unchanged, everything else as dots. */
export function bytesAsText(hex: string): string {
  const pairs = hex.match(/[0-9a-f]{2}/gi) ?? [];
  return pairs
    .map((pair) => Number.parseInt(pair, 16))
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
    .join("");
}

function shown(form: ValueForm, value: unknown): string {
  if (form === "seconds" && typeof value === "number") return duration(value);
  if (form === "time" && typeof value === "number") return clockTime(value, 0);
  if (form === "number" && typeof value === "number") return count(value);
  if (form === "addresses" && Array.isArray(value)) return value.join(", ");
  if (form === "name") return words(String(value));
  if (form === "hex") return bytesAsText(String(value));
  return String(value);
}

function icmpValues(icmp: Evidence["icmp"]): Values {
  if (typeof icmp !== "object" || icmp === null) return {};
  const { type, code, hop } = icmp;
  const version = hop.includes(":") || hop.startsWith("ipv6-") ? 6 : 4;
  const named = ICMP_NAMES.find((each) => each.version === version && each.type === type && each.code === code);
  return { type: String(type), code: String(code), hop, ...(named && { name: named.name }) };
}

/** `saying` with its values filled in; null: one of them is not known. */
function filled(saying: Saying, values: Values): string | null {
  let isWhole = true;
  const text = saying.text.replace(/\{(\w+)\}/g, (_, key: string) => {
    isWhole &&= values[key] !== undefined;
    return values[key] ?? "";
  });
  return isWhole ? text : null;
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** The sentences, the most telling first. `ours` and `theirs` are shown elsewhere, side by side. */
export function evidenceWords(evidence: Evidence): string[] {
  const here = EVIDENCE_KEYS.filter(({ key }) => evidence[key] !== undefined && evidence[key] !== null);
  const values: Values = Object.fromEntries(here.map(({ key, form }) => [key, shown(form, evidence[key])]));
  return here
    .filter(({ told_by }) => !told_by.some((other) => other in values))
    .flatMap(({ key, form, sayings }) => {
      const known = form === "icmp" ? icmpValues(evidence.icmp) : values;
      const said = sayings
        .filter(({ when }) => when === null || when === evidence[key])
        .map((saying) => filled(saying, known))
        .find((text) => text !== null);
      return said ? [sentence(said)] : [];
    });
}
