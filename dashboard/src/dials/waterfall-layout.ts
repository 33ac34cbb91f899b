/** Where the bars of a dial's phases begin and end, as in a browser's network tab. Pure. */

import type { Attempt, DialEvent } from "../api/types.ts";

/** In the order in which a dial goes through them. */
export const PHASES = ["policy", "resolve", "connect", "secure", "handshake", "session"] as const;
export type PhaseName = (typeof PHASES)[number];

export interface Bar {
  name: string;
  start_s: number;
  length_s: number;
}

/** One bar for each phase, one after another, and a last one, "between", for the rest of the dial's duration. */
export function phaseBars(event: Pick<DialEvent, "phases_s" | "duration_s">): Bar[] {
  const bars: Bar[] = [];
  let at = 0;
  for (const name of PHASES) {
    const length_s = event.phases_s[name];
    if (length_s === undefined || !(length_s >= 0)) continue;
    bars.push({ name, start_s: at, length_s });
    at += length_s;
  }
  const rest = (event.duration_s ?? at) - at;
  // Less than a hundredth is rounding, not time outside the phases.
  if (rest > Math.max(0.000_1, at / 100)) bars.push({ name: "between", start_s: at, length_s: rest });
  return bars;
}

/** How long the whole dial took, in seconds. */
export function totalSeconds(event: Pick<DialEvent, "phases_s" | "duration_s">): number {
  const sum = Object.values(event.phases_s).reduce((a, b) => a + b, 0);
  return Math.max(event.duration_s ?? 0, sum);
}

/** One bar for each attempt, at its time within the dial. */
export function attemptBars(attempts: readonly Attempt[]): Bar[] {
  return attempts.map(({ phase, started_s, duration_s }) => ({
    name: phase,
    start_s: started_s,
    length_s: duration_s,
  }));
}

/**
 * The position of a moment, in pixels, on an axis of `length` pixels that ends at `most_s`. The axis has a square-root
 * scale, so that a refusal after half a millisecond stays visible beside a timeout after half a minute.
 */
export function place(seconds: number, most_s: number, length: number): number {
  if (most_s <= 0) return 0;
  return Math.sqrt(Math.min(1, Math.max(0, seconds / most_s))) * length;
}
