import { setFilters } from "../state/filters.ts";
import { visibleLabel } from "../text/visible.ts";

/** An address that shows its dials when pressed. */
export function Address({ addr, field = "addr" }: { addr: string; field?: "addr" | "via" }) {
  const label = visibleLabel(addr);
  const title = field === "addr" ? `Show the dials of ${label}` : `Show the dials to addresses that ${label} told`;
  return (
    <button type="button" class="address" title={title} onClick={() => setFilters({ [field]: addr, tab: "dials" })}>
      <bdi dir="ltr">{label}</bdi>
    </button>
  );
}
