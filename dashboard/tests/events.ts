import type { DialEvent } from "../src/api/types.ts";

/** A failed dial; `change` replaces the fields that a test is about. */
export function event(change: Partial<DialEvent> = {}): DialEvent {
  return {
    run: "00112233445566778899aabbccddeeff",
    seq: 1,
    kind: "failure",
    outcome: "failed",
    addr: "198.51.100.7:7072",
    source: "seed",
    via: null,
    at_unix: 1_795_438_201.5,
    timestamp_unix: 1_795_438_201,
    dial_id: 7,
    reason: "timeout",
    phase: "connect",
    blame: "path",
    detail: null,
    duration_s: 10,
    node_id: null,
    penalised: true,
    attempts: [],
    evidence: {},
    phases_s: { connect: 10 },
    ...change,
  };
}
