import { describe, expect, test } from "vitest";
import type { ConnectedPeer, EventCount, PeerView, Reason } from "../src/api/types.ts";
import { flowOf } from "../src/flow/flow-graph.ts";
import { gridOf } from "../src/grid/grid-cells.ts";
import { meshOf, SELF } from "../src/mesh/mesh-graph.ts";
import { meshLayout } from "../src/mesh/mesh-layout.ts";

function counted(count: number, change: Partial<EventCount> = {}): EventCount {
  return { kind: "failure", source: "seed", phase: "connect", reason: "timeout", count, ...change };
}

function peer(addr: string, change: Partial<PeerView> = {}): PeerView {
  return {
    addr,
    state: "cold",
    connected: false,
    source: "gossip",
    via: null,
    node_id: null,
    first_seen_unix: null,
    last_success_unix: null,
    last_failure_unix: null,
    streak: 0,
    last_reason: null,
    next_attempt_unix: null,
    because: null,
    ...change,
  };
}

const session: ConnectedPeer = {
  addr: "a:1",
  node_id: "00",
  direction: "inbound",
  source: null,
  via: null,
  connected_at_unix: 0,
  protocol_version: 1,
  user_agent: "x",
  latency_s: null,
  last_received_unix: 0,
  p2p_port: null,
  http_port: null,
  clock_ahead_s: 0,
};

describe("path of dials", () => {
  test("every dial goes through one phase to one end, and skips are not dials", () => {
    const flow = flowOf([
      counted(3),
      counted(2, { source: "gossip" }),
      counted(4, { kind: "succeeded", phase: "session", reason: null }),
      counted(99, { kind: "skip", phase: "policy", reason: "backoff_active" }),
      counted(5, { kind: "disconnect", phase: "session", reason: "early_disconnect" }),
    ]);
    expect(flow.total).toBe(9);
    const into = flow.links
      .filter(({ target }) => target.startsWith("phase/"))
      .reduce((sum, { value }) => sum + value, 0);
    const out = flow.links
      .filter(({ source }) => source.startsWith("phase/"))
      .reduce((sum, { value }) => sum + value, 0);
    expect([into, out]).toEqual([9, 9]);
    expect(flow.links.find(({ target }) => target === "end/timeout")?.filter).toEqual({
      phase: "connect",
      reason: "timeout",
    });
    expect(flow.nodes.find(({ label }) => label === "succeeded")?.filter).toEqual({ kind: "succeeded" });
  });

  test("many reasons share one node, and none is lost", () => {
    const flow = flowOf(Array.from({ length: 30 }, (_, n) => counted(n + 1, { reason: `reason_${n}` as Reason })));
    expect(flow.nodes.filter(({ column }) => column === 2)).toHaveLength(13);
    expect(flow.total).toBe((30 * 31) / 2);
  });
});

describe("grid", () => {
  test("one cell sums up the phases of a reason; failures come before skips", () => {
    const grid = gridOf([
      counted(50, { kind: "skip", phase: "policy", reason: "backoff_active" }),
      counted(3),
      counted(2, { phase: "handshake" }),
      counted(1, { source: "gossip" }),
      counted(9, { kind: "succeeded", reason: null }),
    ]);
    expect(grid.rows.map(({ reason, total }) => [reason, total])).toEqual([
      ["timeout", 6],
      ["backoff_active", 50],
    ]);
    expect(grid.rows[0]?.bySource.get("seed")).toBe(5);
    expect(grid.most.get("failure")).toBe(5);
  });
});

describe("mesh", () => {
  test("sessions point in the direction of the dial, introductions from the introducer to the address", () => {
    const mesh = meshOf([peer("b:1", { via: "a:1" }), peer("c:1", { via: "gone:1" })], [session]);
    expect(mesh.edges).toEqual([
      { from: "a:1", to: SELF, kind: "inbound" },
      { from: "a:1", to: "b:1", kind: "introduced" },
      { from: "gone:1", to: "c:1", kind: "introduced" },
    ]);
    expect(mesh.nodes.map(({ id }) => id)).toEqual(
      [SELF, "a:1", "b:1", "c:1", "gone:1"].sort(
        (a, b) => mesh.nodes.findIndex((n) => n.id === a) - mesh.nodes.findIndex((n) => n.id === b),
      ),
    );
    expect(mesh.nodes[1]?.isConnected).toBe(true);
  });

  test("it is bounded, and says how many peers it leaves out", () => {
    const book = Array.from({ length: 1000 }, (_, n) => peer(`p${n}:1`));
    const mesh = meshOf([...book, peer("a:1")], [session], 100);
    expect(mesh.nodes).toHaveLength(101);
    expect(mesh.leftOut).toBe(901);
    expect(mesh.nodes[1]?.id).toBe("a:1");
  });

  test("every node has a place in the drawing, and stays near it when another is added", () => {
    const mesh = meshOf([peer("b:1", { via: "a:1" }), peer("c:1")], [session]);
    const places = meshLayout(mesh, 600, 400, new Map());
    for (const { id } of mesh.nodes) {
      const place = places.get(id);
      expect(place && place.x >= 0 && place.x <= 600 && place.y >= 0 && place.y <= 400).toBe(true);
    }
    expect(places.get(SELF)).toEqual({ x: 300, y: 200 });
  });
});
