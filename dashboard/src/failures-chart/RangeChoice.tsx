import { setFilters } from "../state/filters.ts";
import { RANGES, type Range } from "../state/filters-in-url.ts";
import { range } from "../state/history.ts";
import { historyOn } from "../state/status.ts";

const LABELS: Record<Range, string> = {
  live: "the last 10 minutes, as far as this page has them",
  "15m": "the last 15 minutes",
  "1h": "the last hour",
  "24h": "the last day",
  "7d": "the last week",
  "30d": "the last 30 days",
};

/** The choice of the time that the charts cover. */
export function RangeChoice() {
  return (
    <fieldset class="segments push" data-testid="range">
      <legend class="visually-hidden">Time range</legend>
      {(Object.keys(RANGES) as Range[]).map((name) => {
        const isOff = name !== "live" && !historyOn.value;
        return (
          <button
            key={name}
            type="button"
            aria-pressed={range.value === name}
            aria-label={`${name}: ${LABELS[name]}`}
            title={isOff ? "History is off; set enabled = true under [history] to turn it on" : LABELS[name]}
            disabled={isOff}
            onClick={() => setFilters({ range: name })}
          >
            {name}
          </button>
        );
      })}
    </fieldset>
  );
}
