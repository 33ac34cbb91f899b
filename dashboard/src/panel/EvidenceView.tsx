import type { Evidence } from "../api/types.ts";
import { PeerText } from "../shared/PeerText.tsx";
import { evidenceWords } from "./evidence-words.ts";

/** The evidence: in sentences, as a table of the two values that do not match, and raw. */
export function EvidenceView({ evidence }: { evidence: Evidence }) {
  const sentences = evidenceWords(evidence);
  const { ours, theirs } = evidence;
  if (Object.keys(evidence).length === 0) return null;
  return (
    <section>
      <h3>Evidence</h3>
      <ul class="seen">
        {sentences.map((sentence) => (
          <li key={sentence}>
            <PeerText text={sentence} />
          </li>
        ))}
      </ul>
      {(ours !== undefined || theirs !== undefined) && <Sides ours={ours} theirs={theirs} />}
      <details>
        <summary>Raw evidence</summary>
        <dl class="raw">
          {Object.entries(evidence).map(([key, value]) => (
            <div key={key}>
              <dt>
                <PeerText text={key} limit={60} />
              </dt>
              <dd>
                <PeerText text={asText(value)} />
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function Sides({ ours, theirs }: { ours: unknown; theirs: unknown }) {
  const left: Record<string, unknown> = isRecord(ours) ? ours : { value: ours };
  const right: Record<string, unknown> = isRecord(theirs) ? theirs : { value: theirs };
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return (
    <table class="sides">
      <caption class="visually-hidden">What does not match</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">ours</th>
          <th scope="col">theirs</th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key}>
            <th scope="row">
              <PeerText text={key} limit={60} />
            </th>
            <td>
              <PeerText text={left[key] === undefined ? "–" : asText(left[key])} limit={120} />
            </td>
            <td>
              <PeerText text={right[key] === undefined ? "–" : asText(right[key])} limit={120} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
