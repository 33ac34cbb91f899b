import type { RecordedEvent } from "../api/types.ts";
import { Outcome } from "../dials/DialRow.tsx";
import { Time } from "../shared/Time.tsx";
import { useAnswer } from "../shared/use-answer.ts";
import { eventKey } from "../state/event-store.ts";
import { panel } from "../state/panel.ts";
import { historyOn } from "../state/status.ts";
import { duration } from "../text/format.ts";

const SHOWN = 30;

/** The latest dials to one address: of the history, or, where there is none, what the node remembers of failures. */
export function PeerHistory({ addr, again }: { addr: string; again: number }) {
  const path = historyOn.value ? "api/p2p/history" : "api/p2p/failures";
  const answer = useAnswer<{ events?: RecordedEvent[]; failures?: RecordedEvent[] }>(
    path,
    { addr, limit: SHOWN },
    again,
  );
  if (answer.state === "loading") return <p class="muted">Asking for its dials.</p>;
  if (answer.state === "refused") return <p class="problem">{answer.problem}</p>;
  const all = answer.value.events ?? answer.value.failures ?? [];
  const events = all.filter((event) => event.kind !== "started");
  return (
    <>
      <h4>{historyOn.value ? "Its latest dials" : "Its latest failures"}</h4>
      {events.length === 0 && <p class="muted">None is recorded.</p>}
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
