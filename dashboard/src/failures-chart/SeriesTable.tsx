import { useState } from "preact/hooks";
import type { TimedCounts } from "../api/shapes.ts";
import { nowUnix } from "../state/clock.ts";
import { count, iso, shortTime, words } from "../text/format.ts";
import { bucketStarts, type Layer } from "./stacking.ts";

/** The bars as numbers, for readers who cannot see them. Empty buckets are left out. */
export function SeriesTable({ series, layers }: { series: TimedCounts; layers: Layer[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="series-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as a table</summary>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it must be possible to scroll it without a mouse.
        <section class="table-scroll" tabIndex={0} aria-label="The chart as a table">
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                {layers.map(({ name }) => (
                  <th key={name} scope="col">
                    {words(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bucketStarts(series).map((start, index) =>
                layers.some((layer) => layer.counts[index]) ? (
                  <tr key={start}>
                    <th scope="row" title={iso(start)}>
                      {shortTime(start, nowUnix.value)}
                    </th>
                    {layers.map((layer) => (
                      <td key={layer.name}>{count(layer.counts[index] ?? 0)}</td>
                    ))}
                  </tr>
                ) : null,
              )}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
