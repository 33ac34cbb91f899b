import { setFilters } from "../state/filters.ts";
import { visibleLabel } from "../text/visible.ts";

/** An address that shows its dials when clicked. */
export function Address({ addr, field = "addr" }: { addr: string; field?: "addr" | "via" }) {
  const label = visibleLabel(addr);
  const title = field === "addr" ? `Show the dials to ${label}` : `Show the dials to addresses via ${label}`;
  return (
    <button type="button" class="address" title={title} onClick={() => setFilters({ [field]: addr, tab: "dials" })}>
      <bdi dir="ltr">{label}</bdi>
    </button>
  );
}
