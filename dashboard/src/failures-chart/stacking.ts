/** Turns counts by name into stacked bars. Pure. */

import type { TimedCounts } from "../api/shapes.ts";

/** Nobody can tell more colours than this apart. */
const MOST_LAYERS = 9;
export const REST = "all others";

export interface Layer {
  name: string;
  total: number;
  /** Counts of this name only, by bucket. */
  counts: number[];
  /** The top of its bar, by bucket: the sum of its count and the counts of all layers below. */
  tops: number[];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function added(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + (b[index] ?? 0));
}

/** The most frequent names are at the bottom. If there are more than nine, the rarest share one layer. */
export function stack(series: TimedCounts["series"]): Layer[] {
  const named = Object.entries(series)
    .map(([name, counts]) => ({ name, counts, total: sum(counts) }))
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
  const kept = named.length > MOST_LAYERS ? named.slice(0, MOST_LAYERS - 1) : named;
  const left = named.slice(kept.length);
  const first = left[0];
  if (first) {
    const counts = left.map((one) => one.counts).reduce(added);
    kept.push({ name: REST, counts, total: sum(left.map((one) => one.total)) });
  }
  const layers: Layer[] = [];
  let below = kept[0] ? kept[0].counts.map(() => 0) : [];
  for (const layer of kept) {
    below = added(below, layer.counts);
    layers.push({ ...layer, tops: below });
  }
  return layers;
}

/** When each bucket begins. */
export function bucketStarts({ since_unix, until_unix, bucket_s }: TimedCounts): number[] {
  const length = Math.max(0, Math.round((until_unix - since_unix) / bucket_s));
  return Array.from({ length }, (_, index) => since_unix + index * bucket_s);
}

/** The whole buckets that a selection from `from` to `to` touches. */
export function bucketWindow(series: TimedCounts, from: number, to: number): { since: number; until: number } {
  const { since_unix, until_unix, bucket_s } = series;
  const first = Math.max(0, Math.floor((from - since_unix) / bucket_s));
  const last = Math.max(first + 1, Math.ceil((to - since_unix) / bucket_s));
  return { since: since_unix + first * bucket_s, until: Math.min(until_unix, since_unix + last * bucket_s) };
}
