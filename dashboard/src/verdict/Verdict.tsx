/** What is wrong, the worst first. The one thing on the page that must be seen at once. */

import { useEffect } from "preact/hooks";
import type { Diagnosis } from "../api/types.ts";
import { connection, stale } from "../state/connection.ts";
import { diagnosis, status } from "../state/status.ts";
import { plural } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { FindingCard } from "./FindingCard.tsx";
import { PastFindings } from "./PastFindings.tsx";
import "./verdict.css";

/** With more findings than this, those that need nobody stand behind one line. */
const FEW = 4;

const SIGNS = { critical: "✕", warning: "!", healthy: "✓", examining: "…" } as const;

function worst(found: Diagnosis): "critical" | "warning" | "healthy" {
  if (found.findings.some((finding) => finding.severity === "critical")) return "critical";
  return found.healthy ? "healthy" : "warning";
}

function headline(found: Diagnosis): string {
  if (found.healthy) return "Healthy";
  const first = found.findings[0];
  return first ? first.title : "Not healthy";
}

function tally(found: Diagnosis): string {
  const { findings } = found;
  if (findings.length === 0) return "Nothing was found that keeps this node from its peers.";
  const parts = (["critical", "warning", "info"] as const)
    .map((severity) => ({ severity, n: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ n }) => n > 0)
    .map(({ severity, n }) => (severity === "info" ? `${n} for information` : plural(n, severity)));
  const text = parts.join(", ");
  return found.healthy ? `Nothing needs you; ${text}.` : `Found: ${text}.`;
}

export function Verdict() {
  const found = diagnosis.value;
  const level = found ? worst(found) : "examining";
  useEffect(() => {
    document.title = found ? `${SIGNS[level]} ${headline(found)} · nocarrier` : "nocarrier";
  }, [found]);
  return (
    <section
      class={`verdict verdict-${level}`}
      data-testid="verdict"
      data-level={level}
      aria-labelledby="verdict-title"
    >
      <div class="verdict-head" aria-live="polite" aria-atomic="true">
        <span class="verdict-sign" aria-hidden="true">
          {SIGNS[level]}
        </span>
        <div>
          <h2 id="verdict-title">{found ? headline(found) : "Examining"}</h2>
          <p>{found ? tally(found) : beforeTheFirst()}</p>
        </div>
        {stale.value && found && <span class="badge stale-badge">as it was before the connection was lost</span>}
      </div>
      {found && <Findings found={found} />}
      <PastFindings />
    </section>
  );
}

function Findings({ found }: { found: Diagnosis }) {
  const { findings } = found;
  if (findings.length === 0) return null;
  const isLong = findings.length > FEW;
  const behind = isLong && !found.healthy ? findings.filter((finding) => finding.severity === "info") : [];
  return (
    <>
      <ol class="findings" aria-label="Findings, the worst first">
        {findings
          .filter((finding) => !behind.includes(finding))
          .map((finding) => (
            <FindingCard key={finding.code} finding={finding} isBrief={isLong && finding.severity === "info"} />
          ))}
      </ol>
      {behind.length > 0 && (
        <details class="good-to-know">
          <summary>
            <b>Good to know</b> ({behind.length}): {behind.map((finding) => visibleLabel(finding.title)).join(" · ")}
          </summary>
          <ol class="findings" aria-label="Findings for information">
            {behind.map((finding) => (
              <FindingCard key={finding.code} finding={finding} isBrief />
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function beforeTheFirst(): string {
  if (status.value) return "The node runs; its first findings are on the way.";
  const { state } = connection.value;
  if (state.name === "refused") return "The node wants a token first.";
  return state.name === "waiting" ? "No word from the node yet." : "Asking the node what it found.";
}
