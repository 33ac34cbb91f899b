/** Parts of the API's shapes that have no name there. */

import type { SeriesView } from "./types.ts";

/** What a chart shows of a series, whether the history counted it or this page did. */
export type TimedCounts = Omit<SeriesView, "by" | "cover">;
