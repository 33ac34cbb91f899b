/** Text that may come from a peer: made visible, isolated from the text direction around it, and cut if long. */

import { useState } from "preact/hooks";
import { count } from "../text/format.ts";
import { visible, visibleLabel, visibleStart } from "../text/visible.ts";

export const SHORT = 300;
/** A long text is split into pieces of this length, so that the browser lays out only the pieces in view. */
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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it must be possible to scroll it without a mouse.
    <section class="long-text-box" tabIndex={0} aria-label="The whole text">
      {pieces.map((piece, index) => (
        <bdi dir="ltr" class="long-text-piece" key={`${index}`}>
          {piece}
        </bdi>
      ))}
    </section>
  );
}

/** One line that ends in an ellipsis if there is no room for all of it; the title shows more. */
export function PeerLine({ text }: { text: string }) {
  const label = visibleLabel(text, 200);
  return (
    <bdi dir="ltr" class="one-line" title={label}>
      {label}
    </bdi>
  );
}
