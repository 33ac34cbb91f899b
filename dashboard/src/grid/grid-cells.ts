/** Counts by reason and source, as rows of a grid. Pure. */

import type { EventCount, Kind } from "../api/types.ts";

export interface GridRow {
  reason: string;
  kind: Kind;
  total: number;
  bySource: Map<string, number>;
}

export interface Grid {
  rows: GridRow[];
  /** The most frequent first. */
  sources: string[];
  totalBySource: Map<string, number>;
  /** The largest cell of each kind. With one scale for all, the many skips would make failures invisible. */
  most: Map<Kind, number>;
}

/** The order of the rows: failures first. */
const KIND_ORDER: readonly Kind[] = ["failure", "disconnect", "cancelled", "skip"];

export function gridOf(counts: readonly EventCount[]): Grid {
  const rows = new Map<string, GridRow>();
  const totalBySource = new Map<string, number>();
  for (const { kind, source, reason, count } of counts) {
    if (reason === null || count === 0) continue;
    const key = `${kind}/${reason}`;
    const row = rows.get(key) ?? { reason, kind, total: 0, bySource: new Map<string, number>() };
    row.total += count;
    row.bySource.set(source, (row.bySource.get(source) ?? 0) + count);
    rows.set(key, row);
    totalBySource.set(source, (totalBySource.get(source) ?? 0) + count);
  }
  const most = new Map<Kind, number>();
  for (const row of rows.values()) most.set(row.kind, Math.max(most.get(row.kind) ?? 0, ...row.bySource.values()));
  return {
    rows: [...rows.values()].sort(
      (a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) || b.total - a.total,
    ),
    sources: [...totalBySource.keys()].sort((a, b) => (totalBySource.get(b) ?? 0) - (totalBySource.get(a) ?? 0)),
    totalBySource,
    most,
  };
}
