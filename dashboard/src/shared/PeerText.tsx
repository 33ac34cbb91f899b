/** Text that may come from a peer: made visible, isolated from the direction of its surroundings, and cut where long. */

import { useState } from "preact/hooks";
import { count } from "../text/format.ts";
import { visible, visibleLabel, visibleStart } from "../text/visible.ts";

export const SHORT = 300;
/** A browser lays out only those pieces of a long text that are in sight. */
const PIECE = 4_000;

export function PeerText({ text, limit = SHORT }: { text: string; limit?: number }) {
  const [isOpen, setOpen] = useState(false);
  const { shown, cut } = visibleStart(text, limit);
  if (!cut) return <bdi dir="ltr">{shown}</bdi>;
  if (isOpen) {
    return (
      <span class="long-text">
        <button type="button" class="link" onClick={() => setOpen(false)}>
          show less
        </button>
        <LongText text={text} />
      </span>
    );
  }
  return (
    <span>
      <bdi dir="ltr">{shown}</bdi>…{" "}
      <button type="button" class="link" onClick={() => setOpen(true)}>
        show all {count(text.length)} characters
      </button>
    </span>
  );
}

function LongText({ text }: { text: string }) {
  const shown = visible(text);
  const pieces: string[] = [];
  for (let at = 0; at < shown.length; at += PIECE) pieces.push(shown.slice(at, at + PIECE));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse must be able to scroll it.
    <section class="long-text-box" tabIndex={0} aria-label="The whole text">
      {pieces.map((piece, index) => (
        <bdi dir="ltr" class="long-text-piece" key={`${index}`}>
          {piece}
        </bdi>
      ))}
    </section>
  );
}

/** One line that ends in an ellipsis where there is no room; the title has more of it. */
export function PeerLine({ text }: { text: string }) {
  const label = visibleLabel(text, 200);
  return (
    <bdi dir="ltr" class="one-line" title={label}>
      {label}
    </bdi>
  );
}
