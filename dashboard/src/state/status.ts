/** The latest status and the latest findings from the live stream. */

import { computed, signal } from "@preact/signals";
import type { DiagnosisView, StatusView } from "../api/types.ts";
import { takeNodeTime } from "./clock.ts";
import { DialRate } from "./dial-rate.ts";

export const status = signal<StatusView | null>(null);
export const diagnosis = signal<DiagnosisView | null>(null);

const rate = new DialRate();
export const dialRate = signal(rate.view());

export const historyOn = computed(() => status.value !== null && status.value.history.state !== "off");

export function takeStatus(next: StatusView): void {
  takeNodeTime(next.at_unix);
  rate.add(next.at_unix, next.dial_totals.started, next.started_unix);
  dialRate.value = rate.view();
  status.value = next;
}

export function takeFindings(next: DiagnosisView): void {
  if (diagnosis.peek() === null) {
    // Marked in the next frame, when the data is visible.
    requestAnimationFrame(() => performance.mark("nocarrier-first-data"));
  }
  diagnosis.value = next;
}
