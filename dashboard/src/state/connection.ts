/** The connection to the node: its state, and which module handles each message. */

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
  /** Since when the live stream is interrupted; null: it is not. */
  lostSinceUnix: number | null;
}

export const connection = signal<Connection>({ state: { name: "connecting" }, lostSinceUnix: null });
/** When this page noticed that the node had restarted. */
export const restartedUnix = signal<number | null>(null);
/** Whether the data on the page may be out of date. */
export const stale = computed(() => status.value !== null && connection.value.lostSinceUnix !== null);

function takeState(state: StreamState): void {
  const { lostSinceUnix } = connection.peek();
  const isLive = state.name === "live";
  if (isLive && connection.peek().state.name === "live") return;
  const lost = isLive ? null : (lostSinceUnix ?? nowUnix.peek());
  connection.value = { state, lostSinceUnix: lost };
  if (!isLive) return;
  void loadReasons();
  // Events that the stream does not have: from before the page was opened, or from a long interruption.
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

/** Opens the connection. Call it once. */
export function startConnection(): void {
  startEvents();
  stream.start();
  effect(() => {
    if (tokenEntered.value > 0) stream.retryNow();
  });
  // After sleep, a laptop has a dead connection: do not wait for the next try.
  window.addEventListener("online", () => stream.retryNow());
}
