/** How many dials failed over time, by reason or by source. */

import { useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { TimedCounts } from "../api/shapes.ts";
import { colour, giveColours } from "../shared/colours.ts";
import { Empty } from "../shared/Empty.tsx";
import { nowUnix } from "../state/clock.ts";
import { filters, setFilters, toggleFilters } from "../state/filters.ts";
import { chartKind, range, seriesProblem, series as shownSeries } from "../state/history.ts";
import { status } from "../state/status.ts";
import { theme } from "../state/theme.ts";
import { count, fromNow, plural, shortTime, span, words } from "../text/format.ts";
import { RangeChoice } from "./RangeChoice.tsx";
import { SeriesTable } from "./SeriesTable.tsx";
import { StackedBars } from "./StackedBars.tsx";
import { bucketStarts, type Layer, REST, stack } from "./stacking.ts";
import "./chart.css";

const TITLES: Record<string, string> = {
  failure: "Failed dials over time",
  succeeded: "Successful dials over time",
  skip: "Skips over time",
  cancelled: "Cancelled dials over time",
  disconnect: "Early disconnects over time",
};

export function FailuresChart() {
  const shown = shownSeries.value;
  const { by } = filters.value;
  const layers = useMemo(() => (shown ? stack(shown.series) : []), [shown]);
  useLayoutEffect(() => giveColours(layers.map(({ name }) => name).filter((name) => name !== REST)), [layers]);
  return (
    <section class="card wide chart" data-testid="chart-failures" aria-labelledby="chart-title">
      <div class="card-head">
        <h2 id="chart-title">{TITLES[chartKind.value] ?? "Over time"}</h2>
        <fieldset class="segments">
          <legend class="visually-hidden">Count by</legend>
          {(["reason", "source"] as const).map((name) => (
            <button key={name} type="button" aria-pressed={by === name} onClick={() => setFilters({ by: name })}>
              by {name}
            </button>
          ))}
        </fieldset>
        <RangeChoice />
      </div>
      {seriesProblem.value && range.value !== "live" && <p class="problem">{seriesProblem.value}</p>}
      {shown ? <Bars shown={shown} layers={layers} /> : <Empty>Loading from the history.</Empty>}
    </section>
  );
}

function Bars({ shown, layers }: { shown: TimedCounts; layers: Layer[] }) {
  const [bucket, setBucket] = useState<number | null>(null);
  const { by, since, until } = filters.value;
  const chosen = filters.value[by];
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  if (total === 0 && shown.starts_unix.length === 0 && since === null) return <Nothing />;
  return (
    <>
      <div role="img" aria-label={summary(shown, layers, total)}>
        <StackedBars
          series={shown}
          layers={layers}
          chosen={chosen}
          window={{ since, until }}
          colours={`${theme.value} ${layers.map(({ name }) => name + colour(name)).join(" ")}`}
          onWindow={(window) => setFilters(window)}
          onHover={setBucket}
        />
      </div>
      <ul class="legend" aria-label={`Counts by ${by}`}>
        {layers.map((layer) => (
          <LegendEntry key={layer.name} layer={layer} bucket={bucket} chosen={chosen} />
        ))}
        {bucket !== null && shown.bucket_s > 0 && <HoveredTime shown={shown} bucket={bucket} />}
      </ul>
      <SeriesTable series={shown} layers={layers} />
    </>
  );
}

function Nothing() {
  const started = status.value?.started_unix;
  return (
    <Empty>
      Nothing to show in this range
      {started !== undefined && `; the program started ${fromNow(started, nowUnix.value)}`}.
    </Empty>
  );
}

function LegendEntry({ layer, bucket, chosen }: { layer: Layer; bucket: number | null; chosen: string }) {
  const { by } = filters.value;
  const { name } = layer;
  const shown = bucket === null ? layer.total : (layer.counts[bucket] ?? 0);
  const swatch = (
    <span
      class="swatch"
      aria-hidden="true"
      style={{ background: name === REST ? "var(--series-rest)" : colour(name) }}
    />
  );
  return (
    <li>
      {name === REST ? (
        <span class="legend-entry">
          {swatch} {name} <b>{count(shown)}</b>
        </span>
      ) : (
        <button
          type="button"
          class="legend-entry"
          aria-pressed={chosen === name}
          onClick={() => toggleFilters({ [by]: name })}
        >
          {swatch} {words(name)} <b>{count(shown)}</b>
        </button>
      )}
    </li>
  );
}

function HoveredTime({ shown, bucket }: { shown: TimedCounts; bucket: number }) {
  const start = bucketStarts(shown)[bucket];
  if (start === undefined) return null;
  return (
    <li class="muted legend-time">
      {shortTime(start, nowUnix.value)}, {span(shown.bucket_s)}
    </li>
  );
}

function summary(shown: TimedCounts, layers: Layer[], total: number): string {
  const most = layers.slice(0, 3).map(({ name, total: n }) => `${words(name)} ${n}`);
  const length = span(shown.until_unix - shown.since_unix);
  const what = TITLES[chartKind.peek()] ?? "Events over time";
  return `${what}: ${plural(total, "event")} in ${length}. Most: ${most.join(", ") || "none"}. The table below has all numbers.`;
}
