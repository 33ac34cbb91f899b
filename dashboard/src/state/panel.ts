/** The dial or peer that the side panel shows. */

import { signal } from "@preact/signals";
import type { DialEvent } from "../api/types.ts";

export type Panel = { of: "dial"; key: string; event: DialEvent } | { of: "peer"; addr: string };

export const panel = signal<Panel | null>(null);
