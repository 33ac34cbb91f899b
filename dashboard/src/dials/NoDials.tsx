import { Empty } from "../shared/Empty.tsx";
import { nowUnix } from "../state/clock.ts";
import { filled } from "../state/events.ts";
import { anyFilter, clearFilters } from "../state/filters.ts";
import { status } from "../state/status.ts";
import { fromNow } from "../text/format.ts";

/** Shown instead of rows: why there are none, and what to do about it. */
export function NoDials() {
  if (anyFilter.value) {
    return (
      <p class="empty">
        No dials match these filters.{" "}
        <button type="button" class="link" onClick={clearFilters}>
          Clear them
        </button>
      </p>
    );
  }
  const started = status.value?.started_unix;
  if (!filled.value || started === undefined) return <Empty>Loading dials from the node.</Empty>;
  return (
    <p class="empty">
      No dials recorded since start, {fromNow(started, nowUnix.value)}. Make one with:{" "}
      <code>nocarrier connect ADDR</code>
    </p>
  );
}
