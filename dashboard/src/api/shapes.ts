/** Parts of the API's types that have no name there. */

import type { SeriesView } from "./types.ts";

/** The counts that a chart shows, made by the history or by this page. */
export type TimedCounts = Omit<SeriesView, "by" | "cover">;
