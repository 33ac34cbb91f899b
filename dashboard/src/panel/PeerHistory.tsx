import { getJson } from "../api/client.ts";
import type { DialEvent } from "../api/types.ts";
import { Outcome } from "../dials/DialRow.tsx";
import { Time } from "../shared/Time.tsx";
import { useAnswer } from "../shared/use-answer.ts";
import { eventKey } from "../state/event-store.ts";
import { panel } from "../state/panel.ts";
import { historyOn } from "../state/status.ts";
import { duration } from "../text/format.ts";

const SHOWN = 30;
/** Skips are left out: a peer in backoff has so many that they would fill the list. */
const KINDS = ["failure", "succeeded", "disconnect", "cancelled"] as const;

async function latestDials(addr: string, signal: AbortSignal): Promise<DialEvent[]> {
  const pages = await Promise.all(
    KINDS.map((kind) => getJson("api/p2p/history", { addr, kind, limit: SHOWN }, signal)),
  );
  const events = pages.flatMap((page) => page.events);
  return events.sort((a, b) => b.at_unix - a.at_unix).slice(0, SHOWN);
}

async function latestFailures(addr: string, signal: AbortSignal): Promise<DialEvent[]> {
  const query = { addr, kind: "failure", limit: SHOWN };
  return (await getJson("api/p2p/failures", query, signal)).failures;
}

/** The latest dials to one address from the history or, without a history, the latest failures that the node keeps. */
export function PeerHistory({ addr, again }: { addr: string; again: number }) {
  const ask = historyOn.value ? latestDials : latestFailures;
  const answer = useAnswer(`${addr} ${historyOn.value} ${again}`, (signal) => ask(addr, signal));
  if (answer.state === "loading") return <p class="muted">Loading the latest dials.</p>;
  if (answer.state === "refused") return <p class="problem">{answer.problem}</p>;
  const events = answer.value;
  return (
    <>
      <h4>{historyOn.value ? "Latest dials" : "Latest failures"}</h4>
      {events.length === 0 && <p class="muted">None recorded.</p>}
      <ul class="peer-history">
        {events.map((event) => (
          <li key={eventKey(event)}>
            <button type="button" onClick={() => (panel.value = { of: "dial", key: eventKey(event), event })}>
              <Time unix={event.at_unix} />
              <Outcome kind={event.kind} reason={event.reason} />
              <span class="muted">{event.duration_s === null ? "" : duration(event.duration_s)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
