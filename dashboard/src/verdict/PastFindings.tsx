import { useEffect, useState } from "preact/hooks";
import { ENDED_BY } from "../api/tables.ts";
import type { PastFindingView } from "../api/types.ts";
import { Time } from "../shared/Time.tsx";
import { loadPastFindings, pastFindings } from "../state/history.ts";
import { diagnosis, historyOn } from "../state/status.ts";
import { duration } from "../text/format.ts";
import { FindingCard } from "./FindingCard.tsx";

/** By then the node has written the end of a finding. */
const WRITTEN_MS = 1_000;

/** Findings that are no longer active: collapsed, and loaded when opened. */
export function PastFindings() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    const timer = setTimeout(() => void loadPastFindings(), WRITTEN_MS);
    return () => clearTimeout(timer);
  }, [isOpen, diagnosis.value]);
  if (!historyOn.value) return null;
  const past = pastFindings.value?.filter((stored) => stored.ended_unix !== null);
  return (
    <details
      class="past"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
        if (event.currentTarget.open) void loadPastFindings();
      }}
    >
      <summary>Past findings{past && isOpen ? ` (${past.length})` : ""}</summary>
      {past?.length === 0 && <p class="muted">No findings have ended yet.</p>}
      {past && past.length > 0 && (
        <ol class="findings">
          {past.map((stored) => (
            <FindingCard key={stored.id} finding={stored.finding} isBrief past={<Period stored={stored} />} />
          ))}
        </ol>
      )}
    </details>
  );
}

function Period({ stored }: { stored: PastFindingView }) {
  const { began_unix, ended_unix, ended_by } = stored;
  if (ended_unix === null) return null;
  return (
    <>
      <Time unix={began_unix} /> to <Time unix={ended_unix} /> ({duration(ended_unix - began_unix)}
      {ended_by && `, ${ENDED_BY[ended_by]}`})
    </>
  );
}
