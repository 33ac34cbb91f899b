/** The same as the answer of `/api/p2p/history/series`, made from the events on this page. Pure. */

import type { TimedCounts } from "../api/shapes.ts";
import type { DialEvent, EventCount } from "../api/types.ts";
import type { Row } from "./event-store.ts";

const BUCKET_S = 10;

export interface LiveQuery {
  nowUnix: number;
  length_s: number;
  startedUnix: number | null;
  by: "reason" | "source" | "kind";
  kind?: string;
  reason?: string;
  source?: string;
  phase?: string;
}

function matches(event: DialEvent, query: LiveQuery): boolean {
  return (
    (!query.kind || event.kind === query.kind) &&
    (!query.reason || event.reason === query.reason) &&
    (!query.source || event.source === query.source) &&
    (!query.phase || event.phase === query.phase)
  );
}

export function liveSeries(rows: readonly Row[], query: LiveQuery): TimedCounts {
  const until = (Math.floor(query.nowUnix / BUCKET_S) + 1) * BUCKET_S;
  const since = until - query.length_s;
  const length = query.length_s / BUCKET_S;
  const series: Record<string, number[]> = {};
  const counts = new Map<string, EventCount>();
  for (const row of rows) {
    if (row.at_unix < since) break;
    if (row.type === "gap" || !matches(row.event, query)) continue;
    const { kind, source, phase, reason } = row.event;
    const name = row.event[query.by];
    if (name !== null) {
      series[name] ??= new Array<number>(length).fill(0);
      const bucket = Math.min(length - 1, Math.floor((row.at_unix - since) / BUCKET_S));
      series[name][bucket] = (series[name][bucket] ?? 0) + 1;
    }
    const key = `${kind}/${source}/${phase}/${reason}`;
    const counted = counts.get(key) ?? { kind, source, phase, reason, count: 0 };
    counted.count += 1;
    counts.set(key, counted);
  }
  return {
    since_unix: since,
    until_unix: until,
    bucket_s: BUCKET_S,
    series,
    counts: [...counts.values()].sort((a, b) => b.count - a.count),
    starts_unix: query.startedUnix !== null && query.startedUnix >= since ? [query.startedUnix] : [],
  };
}
