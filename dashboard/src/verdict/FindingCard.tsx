import { useId, useState } from "preact/hooks";
import { BLAME } from "../api/tables.ts";
import type { EvidenceView, FindingView } from "../api/types.ts";
import { Address } from "../shared/Address.tsx";
import { PeerText } from "../shared/PeerText.tsx";
import { Words } from "../shared/Words.tsx";
import { nowUnix } from "../state/clock.ts";
import { count, iso, percent, plural, span, words } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { Action } from "./Action.tsx";

/** One finding: its summary and, when opened, its evidence and actions. `isBrief`: one line until opened. */
export function FindingCard({
  finding,
  isBrief,
  past,
}: {
  finding: FindingView;
  isBrief: boolean;
  past?: preact.ComponentChildren;
}) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <li class={isBrief && !isOpen ? "finding is-brief" : "finding"} data-testid="finding" data-code={finding.code}>
      <h3>
        <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
          <span class={`severity severity-${finding.severity}`}>{finding.severity}</span>
          <span class="finding-title">{visibleLabel(finding.title)}</span>
          <span class="finding-age">{past ?? <Since unix={finding.since_unix} />}</span>
        </button>
      </h3>
      {(!isBrief || isOpen) && (
        <>
          <p class="finding-summary">
            <Words text={finding.summary_text} />
          </p>
          {!isOpen && finding.next_actions[0] && (
            <p class="finding-next">
              <b>Do:</b> <Words text={finding.next_actions[0].words} />
            </p>
          )}
          <p class="finding-facts">
            <span>{percent(finding.confidence)} sure</span>
            <span title={BLAME[finding.blame]}>blame: {finding.blame}</span>
            {finding.affected_peers > 0 && (
              <span>prevents connections to {plural(finding.affected_peers, "peer")}</span>
            )}
            {finding.affected_dials > 0 && <span>{plural(finding.affected_dials, "failed dial")}</span>}
            {!isOpen && finding.next_actions[0] && (
              <button type="button" class="link" onClick={() => setOpen(true)}>
                Show evidence and all actions
              </button>
            )}
          </p>
        </>
      )}
      <div id={id} hidden={!isOpen} class="finding-more">
        {isOpen && <FindingMore finding={finding} />}
      </div>
    </li>
  );
}

function Since({ unix }: { unix: number }) {
  return (
    <time dateTime={iso(unix)} title={`Since ${iso(unix)}`}>
      for {span(nowUnix.value - unix)}
    </time>
  );
}

function FindingMore({ finding }: { finding: FindingView }) {
  return (
    <>
      {finding.evidence.length > 0 && (
        <>
          <h4>Evidence</h4>
          <ul class="evidence">
            {finding.evidence.map((item) => (
              <Evidence key={item.statement} item={item} />
            ))}
          </ul>
        </>
      )}
      {finding.next_actions.length > 0 && (
        <>
          <h4>What to do</h4>
          <ol class="actions">
            {finding.next_actions.map((action, index) => (
              <Action key={`${index}`} action={action} />
            ))}
          </ol>
        </>
      )}
      {finding.hides.length > 0 && (
        <p class="muted">
          Also explains: <PeerText text={finding.hides.map(words).join(", ")} />.
        </p>
      )}
      <p class="muted">
        Learn more with: <code>nocarrier explain {visibleLabel(finding.code, 60)}</code>
      </p>
    </>
  );
}

function Evidence({ item }: { item: EvidenceView }) {
  const more = item.count - item.addrs.length;
  return (
    <li>
      <b>{count(item.count)}</b> <Words text={item.statement_text} />
      {item.addrs.length > 0 && (
        <span class="addresses">
          {item.addrs.map((addr) => (
            <Address key={addr} addr={addr} />
          ))}
          {more > 0 && <span class="muted">and {count(more)} more</span>}
        </span>
      )}
    </li>
  );
}
