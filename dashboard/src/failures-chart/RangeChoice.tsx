import { setFilters } from "../state/filters.ts";
import { RANGES, type Range } from "../state/filters-in-url.ts";
import { range } from "../state/history.ts";
import { historyOn } from "../state/status.ts";

const LABELS: Record<Range, string> = {
  live: "what this page holds of the last 10 minutes",
  "15m": "the last 15 minutes",
  "1h": "the last hour",
  "24h": "the last day",
  "7d": "the last week",
  "30d": "the last 30 days",
};

/** Which time the pictures show. */
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
            title={isOff ? "The history is off: enabled = true under [history] keeps it" : LABELS[name]}
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
