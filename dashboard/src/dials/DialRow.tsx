import { colour } from "../shared/colours.ts";
import { PeerLine } from "../shared/PeerText.tsx";
import { Time } from "../shared/Time.tsx";
import type { EventRow } from "../state/event-store.ts";
import { panel } from "../state/panel.ts";
import { duration, words } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { Waterfall } from "./Waterfall.tsx";
import { phaseBars, totalSeconds } from "./waterfall-layout.ts";

const WATERFALL = { width: 180, height: 12 };

interface Props {
  row: EventRow;
  index: number;
  most_s: number;
  isActive: boolean;
  onFocus(): void;
  onOpen(): void;
}

export function DialRow({ row, index, most_s, isActive, onFocus, onOpen }: Props) {
  const { event } = row;
  const isOpen = panel.value?.of === "dial" && panel.value.key === row.key;
  return (
    <tr
      data-testid="dial-row"
      data-key={row.key}
      class={`dial-row kind-${event.kind}${isOpen ? " is-open" : ""}`}
      aria-rowindex={index + 2}
      tabIndex={isActive ? 0 : -1}
      onFocus={onFocus}
      onClick={onOpen}
      title="Click or press Enter for details"
    >
      <td class="col-time">
        <Time unix={event.at_unix} />
      </td>
      <td class="col-addr mono">
        <PeerLine text={event.addr} />
      </td>
      <td class="col-source">
        {words(event.source)}
        {event.via && <span class="muted"> via {visibleLabel(event.via, 60)}</span>}
      </td>
      <td class="col-reason">
        <Outcome kind={event.kind} reason={event.reason} />
      </td>
      <td class="col-phase">{event.phase}</td>
      <td class="col-blame">{event.blame}</td>
      <td class="col-duration">{event.duration_s === null ? "" : duration(totalSeconds(event))}</td>
      <td class="col-waterfall">
        <Waterfall bars={phaseBars(event)} most_s={most_s} {...WATERFALL} />
      </td>
    </tr>
  );
}

const SIGNS = { succeeded: "✓", failure: "✕", cancelled: "⊘", skip: "↷", disconnect: "⤫", started: "…" } as const;

export function Outcome({ kind, reason }: { kind: keyof typeof SIGNS; reason: string | null }) {
  return (
    <span class="outcome">
      <span
        class="swatch"
        aria-hidden="true"
        style={{ background: colour(kind === "skip" || kind === "cancelled" ? "" : (reason ?? kind)) }}
      />
      <span aria-hidden="true">{SIGNS[kind]}</span> {words(reason ?? kind)}
      {kind === "skip" && <span class="muted"> (skip)</span>}
    </span>
  );
}
