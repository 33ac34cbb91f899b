import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backoffMs, EventStream, type StreamState } from "../src/api/event-stream.ts";
import { ApiError } from "../src/api/problem.ts";
import type { DialEvent, Gap } from "../src/api/types.ts";
import { event } from "./events.ts";

/** A node. Each connection is a stream that the test writes to and breaks. */
class FakeNode {
  requests: Headers[] = [];
  refusal: Error | null = null;
  private writer: ReadableStreamDefaultController<Uint8Array> | null = null;

  fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    this.requests.push(new Headers(init.headers));
    if (this.refusal) throw this.refusal;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.writer = controller;
        init.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
      },
    });
    return new Response(body);
  };

  async say(text: string): Promise<void> {
    this.writer?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(0);
  }

  async dial(seq: number): Promise<void> {
    await this.say(`id: ${seq}\nevent: dial\ndata: ${JSON.stringify(event({ seq }))}\n\n`);
  }

  async close(): Promise<void> {
    this.writer?.close();
    await vi.advanceTimersByTimeAsync(0);
  }
}

const STATUS = "event: status\ndata: {}\n\n";

function listen(node: FakeNode) {
  const heard = { seqs: [] as number[], gaps: [] as Gap[], states: [] as StreamState[] };
  const stream = new EventStream(
    "api/p2p/events",
    {
      status: () => undefined,
      findings: () => undefined,
      dial: ({ seq }: DialEvent) => heard.seqs.push(seq),
      gap: (gap) => heard.gaps.push(gap),
      state: (state) => heard.states.push(state),
    },
    node.fetch,
    () => 0,
  );
  stream.start();
  return { stream, heard, last: () => heard.states.at(-1)?.name };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the live stream", () => {
  test("is live with the first status, and passes on messages", async () => {
    const node = new FakeNode();
    const { stream, heard, last } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    expect(last()).toBe("connecting");
    expect(node.requests[0]?.has("Last-Event-ID")).toBe(false);
    await node.say(STATUS);
    expect(last()).toBe("live");
    await node.dial(7);
    expect(heard.seqs).toEqual([7]);
    stream.stop();
  });

  test("joins a message that arrives in pieces, even if a character is split", async () => {
    const node = new FakeNode();
    const { stream, heard } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    await node.say("id: 3\nevent: di");
    await node.say(`al\ndata: ${JSON.stringify(event({ seq: 3, detail: "ü" }))}\n`);
    expect(heard.seqs).toEqual([]);
    await node.say("\n");
    expect(heard.seqs).toEqual([3]);
    stream.stop();
  });

  test("reconnects after a break, and says where it was", async () => {
    const node = new FakeNode();
    const { stream, heard, last } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    await node.say(STATUS);
    await node.dial(41);
    await node.close();
    expect(last()).toBe("waiting");
    await vi.advanceTimersByTimeAsync(999);
    expect(node.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(node.requests[1]?.get("Last-Event-ID")).toBe("41");
    await node.say(STATUS);
    await node.dial(42);
    expect(heard.seqs).toEqual([41, 42]);
    expect(last()).toBe("live");
    stream.stop();
  });

  test("waits longer after each failure, at most 15 s, and starts again at 1 s after a success", async () => {
    const waits = [0, 1, 2, 3, 4, 20].map((failures) => [backoffMs(failures, () => 0), backoffMs(failures, () => 1)]);
    expect(waits).toEqual([
      [1000, 2000],
      [2000, 4000],
      [4000, 8000],
      [7500, 15_000],
      [7500, 15_000],
      [7500, 15_000],
    ]);
    const node = new FakeNode();
    node.refusal = new TypeError("Failed to fetch");
    const { stream } = listen(node);
    await vi.advanceTimersByTimeAsync(1000 + 2000 + 4000);
    expect(node.requests).toHaveLength(4);
    node.refusal = null;
    await vi.advanceTimersByTimeAsync(7500);
    await node.say(STATUS);
    await node.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(node.requests).toHaveLength(6);
    stream.stop();
  });

  test("takes 25 s of silence for a dead connection", async () => {
    const node = new FakeNode();
    const { stream, last, heard } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    await node.say(STATUS);
    await vi.advanceTimersByTimeAsync(24_000);
    await node.say(STATUS);
    await vi.advanceTimersByTimeAsync(24_000);
    expect(last()).toBe("live");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(last()).toBe("waiting");
    expect(heard.states.at(-1)).toMatchObject({ problem: "The node sent nothing for 25 s." });
    stream.stop();
  });

  test("does not resume at a number of the last run after a restart of the node", async () => {
    const node = new FakeNode();
    const { stream, heard } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    await node.dial(5000);
    await node.say('event: gap\ndata: {"after_seq": 5000, "next_seq": 1, "missed": null}\n\n');
    expect(heard.gaps).toEqual([{ after_seq: 5000, next_seq: 1, missed: null }]);
    await node.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(node.requests[1]?.has("Last-Event-ID")).toBe(false);
    stream.stop();
  });

  test("does not try again without a token until one is entered", async () => {
    const node = new FakeNode();
    node.refusal = new ApiError(401, "Send the token.");
    const { stream, last } = listen(node);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(last()).toBe("refused");
    expect(node.requests).toHaveLength(1);
    node.refusal = null;
    stream.retryNow();
    await vi.advanceTimersByTimeAsync(0);
    await node.say(STATUS);
    expect(last()).toBe("live");
    stream.stop();
  });

  test("is silent after it was stopped", async () => {
    const node = new FakeNode();
    const { stream, heard } = listen(node);
    await vi.advanceTimersByTimeAsync(0);
    stream.stop();
    const told = heard.states.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(node.requests).toHaveLength(1);
    expect(heard.states).toHaveLength(told);
  });
});
