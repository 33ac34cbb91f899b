/** A sentence from the node: its words unchanged, and each value shown according to its kind. */

import type { TextView, ValueView } from "../api/types.ts";
import { parts } from "../text/template.ts";
import { PeerText, SHORT } from "./PeerText.tsx";

export function Words({ text, limit = SHORT }: { text: TextView; limit?: number }) {
  return (
    <>
      {parts(text.template).map((part, index) =>
        part.name === null ? part.text : <Value key={`${index}`} value={text.values[part.name]} limit={limit} />,
      )}
    </>
  );
}

function Value({ value, limit }: { value: ValueView | undefined; limit: number }) {
  if (value === undefined) return null;
  if (value.kind === "number") return <span class="number">{value.text}</span>;
  return (
    <span class={value.kind === "text" || value.kind === "word" ? undefined : "name"}>
      <PeerText text={value.text} limit={limit} />
    </span>
  );
}
