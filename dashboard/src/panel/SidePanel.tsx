/** The side panel: details of one dial or one peer. Esc closes it, and the focus returns to where it was. */

import { useEffect, useRef } from "preact/hooks";
import { shownRows } from "../dials/shown.ts";
import { type Panel, panel } from "../state/panel.ts";
import { DialDetails } from "./DialDetails.tsx";
import { PeerDetails } from "./PeerDetails.tsx";
import "./panel.css";

export function SidePanel() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = panel.value;
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (shown && !element.open) element.showModal();
    if (!shown && element.open) element.close();
  }, [shown]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the panel closes it; on the keyboard, Esc does.
    <dialog
      ref={dialog}
      class="panel"
      data-testid="dial-panel"
      aria-labelledby="panel-title"
      onClose={leave}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      {shown && <Content key={shown.of === "dial" ? shown.key : shown.addr} shown={shown} />}
    </dialog>
  );
}

/** The browser returns the focus to the row. If that is no longer in the document, another row gets it. */
function leave(): void {
  panel.value = null;
  if (document.activeElement === document.body) {
    document.querySelector<HTMLElement>('.dial-row[tabindex="0"]')?.focus();
  }
}

function Content({ shown }: { shown: Panel }) {
  return (
    <div class="panel-inner">
      <div class="panel-bar">
        {shown.of === "dial" && <Neighbours current={shown.key} />}
        <button type="button" class="small push" aria-label="Close the panel" onClick={() => (panel.value = null)}>
          ✕ Close
        </button>
      </div>
      {shown.of === "dial" ? <DialDetails event={shown.event} /> : <PeerDetails addr={shown.addr} isWhole />}
    </div>
  );
}

function Neighbours({ current }: { current: string }) {
  const rows = shownRows.value;
  const index = rows.findIndex((row) => row.key === current);
  function go(step: number) {
    for (let at = index + step; at >= 0 && at < rows.length; at += step) {
      const row = rows[at];
      if (row?.type === "event") {
        panel.value = { of: "dial", key: row.key, event: row.event };
        return;
      }
    }
  }
  if (index < 0) return null;
  return (
    <>
      <button type="button" class="small" disabled={index === 0} onClick={() => go(-1)}>
        ▲ Row above
      </button>
      <button type="button" class="small" disabled={index === rows.length - 1} onClick={() => go(1)}>
        ▼ Row below
      </button>
    </>
  );
}
