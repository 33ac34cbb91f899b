/** The line to the node: what state it is in, and who gets what it says. */

import { computed, effect, signal } from "@preact/signals";
import { request, tokenEntered } from "../api/client.ts";
import { EventStream, type StreamState } from "../api/event-stream.ts";
import type { StatusView } from "../api/types.ts";
import { nowUnix } from "./clock.ts";
import { fill, startEvents, takeEvent, takeGap } from "./events.ts";
import { forgetPeers } from "./peers.ts";
import { loadReasons } from "./reasons.ts";
import { status, takeFindings, takeStatus } from "./status.ts";

export interface Connection {
  state: StreamState;
  /** Since when the page does not get what happens; null: it does. */
  lostSinceUnix: number | null;
}

export const connection = signal<Connection>({ state: { name: "connecting" }, lostSinceUnix: null });
/** When this page saw that the node had been restarted. */
export const restartedUnix = signal<number | null>(null);
/** Whether what is on the screen may be old. */
export const stale = computed(() => status.value !== null && connection.value.lostSinceUnix !== null);

function takeState(state: StreamState): void {
  const { lostSinceUnix } = connection.peek();
  const isLive = state.name === "live";
  if (isLive && connection.peek().state.name === "live") return;
  const lost = isLive ? null : (lostSinceUnix ?? nowUnix.peek());
  connection.value = { state, lostSinceUnix: lost };
  if (!isLive) return;
  void loadReasons();
  // What the stream does not tell: what happened before this page, or while the line was down for long.
  void fill();
}

function noticeRestart(next: StatusView): void {
  const before = status.peek();
  takeStatus(next);
  if (before === null || before.started_unix === next.started_unix) return;
  restartedUnix.value = nowUnix.peek();
  forgetPeers();
}

const stream = new EventStream(
  "api/p2p/events",
  { status: noticeRestart, findings: takeFindings, dial: takeEvent, gap: takeGap, state: takeState },
  request,
);

export function reconnectNow(): void {
  stream.retryNow();
}

/** Opens the line; to be called once. */
export function startConnection(): void {
  startEvents();
  stream.start();
  effect(() => {
    if (tokenEntered.value > 0) stream.retryNow();
  });
  // A laptop that was asleep comes back with a dead line: do not wait for the next try.
  window.addEventListener("online", () => stream.retryNow());
}
