/** One dial: its outcome, evidence, the time of each step, what it means, and the peer. */

import { BLAME } from "../api/tables.ts";
import type { DialEvent } from "../api/types.ts";
import { Outcome } from "../dials/DialRow.tsx";
import { PeerText } from "../shared/PeerText.tsx";
import { FromNow, Time } from "../shared/Time.tsx";
import { reasons, sources } from "../state/reasons.ts";
import { duration, words } from "../text/format.ts";
import { EvidenceView } from "./EvidenceView.tsx";
import { PeerDetails } from "./PeerDetails.tsx";
import { Timeline } from "./Timeline.tsx";

export function DialDetails({ event }: { event: DialEvent }) {
  return (
    <article>
      <h2 id="panel-title">
        <Outcome kind={event.kind} reason={event.reason} />
      </h2>
      <p class="mono panel-addr">
        <PeerText text={event.addr} />
      </p>
      <dl class="pairs">
        <dt>When</dt>
        <dd>
          <Time unix={event.at_unix} /> (<FromNow unix={event.at_unix} />)
        </dd>
        <dt>Source</dt>
        <dd>
          {words(event.source)}
          {event.via && (
            <>
              {" "}
              via <PeerText text={event.via} />
            </>
          )}
          {sources.value.has(event.source) && <div class="muted">{sources.value.get(event.source)}</div>}
        </dd>
        {event.phase && (
          <>
            <dt>Phase</dt>
            <dd>{event.phase}</dd>
          </>
        )}
        {event.blame && event.kind !== "succeeded" && (
          <>
            <dt>Blame</dt>
            <dd>
              {event.blame}
              <div class="muted">
                {BLAME[event.blame]}
                {!event.penalised && event.kind === "failure" && " It does not count against the peer."}
              </div>
            </dd>
          </>
        )}
        {event.duration_s !== null && (
          <>
            <dt>Took</dt>
            <dd>{duration(event.duration_s)}</dd>
          </>
        )}
        {event.node_id && (
          <>
            <dt>Node id</dt>
            <dd class="mono">
              <PeerText text={event.node_id} />
            </dd>
          </>
        )}
      </dl>
      {event.detail && (
        <p class="detail">
          <PeerText text={event.detail} />
        </p>
      )}
      <EvidenceView evidence={event.evidence} />
      <Timeline event={event} />
      <Meaning reason={event.reason} />
      <PeerDetails addr={event.addr} />
    </article>
  );
}

function Meaning({ reason }: { reason: string | null }) {
  const row = reason === null ? undefined : reasons.value.get(reason);
  if (!row) return null;
  return (
    <section>
      <h3>What “{words(row.name)}” means</h3>
      <p>{row.meaning}</p>
      <dl class="pairs">
        <dt>Usual cause</dt>
        <dd>{row.usual_cause}</dd>
        <dt>Next step</dt>
        <dd>{row.next_step}</dd>
      </dl>
    </section>
  );
}
