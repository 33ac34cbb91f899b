import { useState } from "preact/hooks";
import { postJson } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import type { DialResult } from "../api/types.ts";
import { PeerText } from "../shared/PeerText.tsx";
import { duration, words } from "../text/format.ts";

type Outcome = { text: string; level: "good" | "bad" } | null;

function outcomeOf(result: DialResult): Outcome {
  const took = result.duration_s === null ? "" : ` after ${duration(result.duration_s)}`;
  if (result.outcome === "connected") return { text: `Connected${took}.`, level: "good" };
  const why = result.reason ? `: ${words(result.reason)}` : "";
  const detail = result.detail ? ` (${result.detail})` : "";
  return { text: `${result.outcome === "skipped" ? "Skipped" : "Failed"}${took}${why}${detail}.`, level: "bad" };
}

function refusalOf(error: unknown): Outcome {
  if (error instanceof ApiError && error.status === 404) {
    return { text: "This program has no nocarrier node that could dial.", level: "bad" };
  }
  return { text: error instanceof Error ? error.message : String(error), level: "bad" };
}

/** Dials the peer now without waiting for its backoff, and shows how the dial ended. */
export function DialAgain({ addr, onDialed }: { addr: string; onDialed(): void }) {
  const [isDialing, setDialing] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>(null);
  async function dial() {
    setDialing(true);
    setOutcome(null);
    try {
      setOutcome(outcomeOf(await postJson("api/p2p/connect", { peer_addr: addr, wait: true })));
      onDialed();
    } catch (error) {
      setOutcome(refusalOf(error));
    } finally {
      setDialing(false);
    }
  }
  return (
    <>
      <button type="button" disabled={isDialing} onClick={() => void dial()}>
        {isDialing ? "Dialing …" : "Dial again"}
      </button>
      <span role="status" class={outcome ? `dialed-${outcome.level}` : ""}>
        {outcome && <PeerText text={outcome.text} />}
      </span>
    </>
  );
}
