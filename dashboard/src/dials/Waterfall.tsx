/** The phases of a dial as bars on an axis that is the same for all rows. */

import { duration } from "../text/format.ts";
import { type Bar, place } from "./waterfall-layout.ts";

/** Even a bar of no length stays visible. */
const LEAST_WIDTH = 2;

export function Waterfall({
  bars,
  most_s,
  width,
  height,
}: {
  bars: Bar[];
  most_s: number;
  width: number;
  height: number;
}) {
  const text = bars.map((bar) => `${bar.name} ${duration(bar.length_s)}`).join(", ");
  return (
    <svg class="waterfall" width={width} height={height} role="img" aria-label={text || "no phases"}>
      <title>{text || "no phases"}</title>
      {bars.map((bar) => {
        const x = place(bar.start_s, most_s, width - LEAST_WIDTH);
        const end = place(bar.start_s + bar.length_s, most_s, width - LEAST_WIDTH);
        return (
          <rect
            key={bar.name}
            class={`phase-${bar.name}`}
            x={x}
            y={0}
            width={Math.max(LEAST_WIDTH, end - x)}
            height={height}
          />
        );
      })}
    </svg>
  );
}
