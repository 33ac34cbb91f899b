/** What is wrong, the worst first. It is the one thing on the page that must be seen at once. */

import { useEffect } from "preact/hooks";
import type { DiagnosisView } from "../api/types.ts";
import { connection, stale } from "../state/connection.ts";
import { diagnosis, status } from "../state/status.ts";
import { plural } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { FindingCard } from "./FindingCard.tsx";
import { PastFindings } from "./PastFindings.tsx";
import "./verdict.css";

/** With more findings than this, those for information are collapsed into one line. */
const FEW = 4;

const SIGNS = { critical: "✕", warning: "!", healthy: "✓", undetermined: "?", examining: "…" } as const;

/** The headline when it is not known yet whether the node is healthy. */
const TOO_EARLY = "Too early to tell";

type Level = keyof typeof SIGNS;

function levelOf(found: DiagnosisView): Level {
  if (found.findings.some((finding) => finding.severity === "critical")) return "critical";
  if (found.status === "undetermined") return "undetermined";
  return found.healthy ? "healthy" : "warning";
}

function headline(found: DiagnosisView, level: Level): string {
  if (level === "undetermined") return TOO_EARLY;
  if (level === "healthy") return "Healthy";
  const first = found.findings[0];
  return first ? visibleLabel(first.title) : "Not healthy";
}

function tally(found: DiagnosisView, level: Level): string {
  const { findings } = found;
  const parts = (["critical", "warning", "info"] as const)
    .map((severity) => ({ severity, n: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ n }) => n > 0)
    .map(({ severity, n }) => (severity === "warning" ? plural(n, severity) : `${n} ${severity}`));
  const text = parts.join(", ");
  if (level === "undetermined") {
    const why = visibleLabel(found.status_detail ?? "The node does not say why.", 300);
    return text ? `${why} Found: ${text}.` : why;
  }
  if (level === "healthy") {
    return text ? `Nothing needs to be done. Found: ${text}.` : "Nothing was found that prevents connections to peers.";
  }
  return text ? `Found: ${text}.` : "The node does not say why.";
}

/** The title of the tab. While the connection is lost, the old verdict may no longer be true, and the title says so. */
function tabTitle(found: DiagnosisView, level: Level): string {
  const sign = stale.value ? SIGNS.undetermined : SIGNS[level];
  return `${sign} ${headline(found, level)}${stale.value ? " (connection lost)" : ""} · nocarrier`;
}

export function Verdict() {
  const found = diagnosis.value;
  const level = found ? levelOf(found) : "examining";
  const isStale = stale.value;
  useEffect(() => {
    document.title = found ? tabTitle(found, level) : "nocarrier";
  }, [found, isStale]);
  return (
    <section
      class={`verdict verdict-${isStale && level === "healthy" ? "undetermined" : level}`}
      data-testid="verdict"
      data-level={level}
      aria-labelledby="verdict-title"
    >
      <div class="verdict-head" aria-live="polite" aria-atomic="true">
        <span class="verdict-sign" aria-hidden="true">
          {SIGNS[isStale && level === "healthy" ? "undetermined" : level]}
        </span>
        <div>
          <h2 id="verdict-title">{found ? headline(found, level) : "Examining"}</h2>
          <p>{found ? tally(found, level) : beforeTheFirst()}</p>
        </div>
        {isStale && found && <span class="badge stale-badge">as it was before the connection was lost</span>}
      </div>
      {found && <Findings found={found} />}
      <PastFindings />
    </section>
  );
}

function Findings({ found }: { found: DiagnosisView }) {
  const { findings } = found;
  if (findings.length === 0) return null;
  const isLong = findings.length > FEW;
  const isWrong = findings.some((finding) => finding.severity !== "info");
  const behind = isLong && isWrong ? findings.filter((finding) => finding.severity === "info") : [];
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
          <ol class="findings" aria-label="Findings of severity info">
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
  if (status.value) return "The node is running; waiting for its first findings.";
  const { state } = connection.value;
  if (state.name === "refused") return "The node needs a token first.";
  return state.name === "waiting" ? "The node has not answered yet." : "Waiting for the node's findings.";
}
