/** The meanings of reasons and sources, from the node's tables. */

import { signal } from "@preact/signals";
import { getJson } from "../api/client.ts";
import type { ReasonView } from "../api/types.ts";

export const reasons = signal<ReadonlyMap<string, ReasonView>>(new Map());
export const sources = signal<ReadonlyMap<string, string>>(new Map());

export async function loadReasons(): Promise<void> {
  if (reasons.peek().size > 0) return;
  try {
    const view = await getJson("api/p2p/reasons");
    reasons.value = new Map(view.reasons.map((reason) => [reason.name, reason]));
    sources.value = new Map(view.sources.map((source) => [source.name, source.meaning]));
  } catch {
    // The names alone are enough for now; the next connection tries again.
  }
}
