import type { EventCount } from "../api/types.ts";

/** The share of ended dials that succeeded; null: none has ended. */
export function successShare(counts: readonly EventCount[]): number | null {
  let succeeded = 0;
  let ended = 0;
  for (const { kind, count } of counts) {
    if (kind === "succeeded") succeeded += count;
    if (kind === "succeeded" || kind === "failure" || kind === "cancelled") ended += count;
  }
  return ended === 0 ? null : succeeded / ended;
}
