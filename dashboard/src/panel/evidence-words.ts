/** What was seen of a fault, in sentences. Pure. An absent key means not known, so it gets no sentence. */

import type { Evidence } from "../api/types.ts";
import { clockTime, duration, plural, words } from "../text/format.ts";

/** ICMP destination unreachable (RFC 792, RFC 1812) and ICMPv6 (RFC 4443), as far as they end dials. */
const ICMP: Record<string, string> = {
  "3/0": "network unreachable",
  "3/1": "host unreachable",
  "3/2": "protocol unreachable",
  "3/3": "port unreachable",
  "3/4": "packet too large",
  "3/6": "network unknown",
  "3/7": "host unknown",
  "3/9": "network administratively prohibited",
  "3/10": "host administratively prohibited",
  "3/13": "communication administratively prohibited",
  "11/0": "time to live exceeded",
};
const ICMPV6: Record<string, string> = {
  "1/0": "no route to destination",
  "1/1": "administratively prohibited",
  "1/3": "address unreachable",
  "1/4": "port unreachable",
  "1/5": "source address failed policy",
  "1/6": "route rejected",
};

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function icmpWords(value: unknown): string {
  const icmp = record(value);
  if (!icmp) return "";
  const { type, code, hop } = icmp;
  const from = String(hop);
  const table = from.includes(":") ? ICMPV6 : ICMP;
  const name = table[`${type}/${code}`];
  return `${from} refused it with an ICMP error: ${name ? `${name} (` : "("}type ${type}, code ${code}).`;
}

/** Printable ASCII as it is, the rest as dots. */
export function bytesAsText(hex: string): string {
  const pairs = hex.match(/[0-9a-f]{2}/gi) ?? [];
  return pairs
    .map((pair) => Number.parseInt(pair, 16))
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
    .join("");
}

const SENTENCES: Record<string, (value: unknown, evidence: Evidence) => string> = {
  errno: (value) => `The kernel said ${value}.`,
  decided_by: (value) =>
    value === "local" ? "This machine refused by itself: no packet left it." : "The answer came back from the network.",
  icmp: icmpWords,
  syn_retransmits: (value) =>
    value === 0
      ? "The first packet was not sent again."
      : `The first packet was sent again ${plural(Number(value), "time")} without an answer.`,
  data_retransmits: (value) =>
    `${value === 0 ? "No segment" : plural(Number(value), "segment")} had to be sent again on the connection that stood.`,
  unacknowledged: (value) =>
    value === 0
      ? "The peer's kernel has all that we sent; its program does not answer."
      : `The peer's kernel never confirmed ${plural(Number(value), "segment")} of ours.`,
  no_neighbour: () => "Nobody answered for the next hop's address on the link (ARP or neighbour discovery).",
  large_segments_lost: (value) => `Small segments arrive and large ones never do, of those ${value}.`,
  bytes_received: (value) => `${value === 0 ? "Not one byte" : plural(Number(value), "byte")} came from the peer.`,
  speaks: (value) => `What answers speaks ${value}.`,
  first_bytes: (value) => `The first bytes read "${bytesAsText(String(value))}".`,
  connect_attempts: (value) => `Connections made within the handshake window: ${value}.`,
  ticket: (value) => `The ticket is ${words(String(value))}.`,
  stated_by: (value) => (value === "remote" ? "The peer itself says so." : "That is our own verdict."),
  loop_lag_s: (value) => `Our own event loop was ${duration(Number(value))} late.`,
  elapsed_s: (value) => `It took ${duration(Number(value))}.`,
  in_use: (value, evidence) => `${value} were in use${evidence.limit === undefined ? "" : ` of ${evidence.limit}`}.`,
  until_unix: (value, evidence) =>
    `It waits until ${clockTime(Number(value), 0)}${evidence.because ? `, because of ${words(String(evidence.because))}` : ""}.`,
};

/** In the order of the table above; `ours` and `theirs` are shown side by side elsewhere. */
export function evidenceWords(evidence: Evidence): string[] {
  return Object.entries(SENTENCES)
    .filter(([key]) => evidence[key] !== undefined && evidence[key] !== null)
    .map(([key, say]) => say(evidence[key], evidence))
    .filter((sentence) => sentence !== "");
}
