/**
 * The live stream: server-sent events over `fetch`, because EventSource cannot send a token.
 *
 * It resumes where it broke off (`Last-Event-ID`), and reports every change of its state.
 */

import { createParser } from "eventsource-parser";
import { ApiError } from "./problem.ts";
import type { Gap, StatusView, StreamMessages } from "./types.ts";

/** The node sends something at least every 10 s. After two missed messages and a margin, the connection is dead. */
export const SILENCE_LIMIT_MS = 25_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_LAST_MS = 15_000;

export type StreamState =
  | { name: "connecting" }
  | { name: "live" }
  | { name: "waiting"; retryAtMs: number; problem: string }
  | { name: "refused"; problem: string };

/** A handler for each message that the node sends, and for the state of the stream. */
export type StreamHandlers = { [Name in keyof StreamMessages]: (message: StreamMessages[Name]) => void } & {
  state(state: StreamState): void;
};

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Doubles from 1 s to 15 s. Up to half of it is random, so that many pages do not reconnect at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const least = Math.min(BACKOFF_LAST_MS / 2, BACKOFF_FIRST_MS * 2 ** failures);
  return least * (1 + random());
}

export class EventStream {
  private lastEventId = "";
  /** The run of the node that the event belongs to. */
  private startId = "";
  private failures = 0;
  private stopped = false;
  private abort = new AbortController();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly handlers: StreamHandlers,
    private readonly fetch: Fetch,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    this.stopped = false;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    this.abort.abort();
  }

  /** Try again now: the operator asked for it, or entered a token. */
  retryNow(): void {
    clearTimeout(this.retryTimer);
    this.abort.abort();
    void this.connect();
  }

  private async connect(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.handlers.state({ name: "connecting" });
    let problem = "The node closed the stream.";
    let refused = false;
    try {
      this.watchSilence(abort);
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.lastEventId) headers["Last-Event-ID"] = this.lastEventId;
      const url = this.startId ? `${this.url}?start_id=${encodeURIComponent(this.startId)}` : this.url;
      const response = await this.fetch(url, { headers, signal: abort.signal });
      if (!response.body) throw new TypeError("The node sent no stream.");
      await this.read(response.body, abort);
    } catch (error) {
      if (error instanceof ApiError) refused = error.status === 401;
      problem = error instanceof Error ? error.message : String(error);
    }
    // A newer connection has taken over, or the stream was stopped.
    if (this.stopped || this.abort !== abort) return;
    clearTimeout(this.silenceTimer);
    abort.abort();
    if (refused) this.handlers.state({ name: "refused", problem });
    else this.waitAndRetry(problem);
  }

  private async read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const parser = createParser({
      onEvent: (message) => {
        if (message.id !== undefined) this.lastEventId = message.id;
        this.dispatch(message.event ?? "message", message.data);
      },
    });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || abort.signal.aborted) return;
      this.watchSilence(abort);
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }

  private dispatch(name: string, data: string): void {
    if (name === "status") {
      this.failures = 0;
      const status: StatusView = JSON.parse(data);
      this.startId = status.start_id;
      this.handlers.status(status);
      this.handlers.state({ name: "live" });
    } else if (name === "findings") {
      this.handlers.findings(JSON.parse(data));
    } else if (name === "dial") {
      this.handlers.dial(JSON.parse(data));
    } else if (name === "gap") {
      const gap: Gap = JSON.parse(data);
      if (gap.missed === null) this.lastEventId = "";
      this.handlers.gap(gap);
    }
  }

  private watchSilence(abort: AbortController): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => {
      abort.abort(new Error("The node sent nothing for 25 s."));
    }, SILENCE_LIMIT_MS);
  }

  private waitAndRetry(problem: string): void {
    const delay = backoffMs(this.failures, this.random);
    this.failures += 1;
    this.handlers.state({ name: "waiting", retryAtMs: Date.now() + delay, problem });
    this.retryTimer = setTimeout(() => void this.connect(), delay);
  }
}
