/** The peer book: which peers are connected, and when each of the others is dialed next and why not now. */

import { useMemo, useRef, useState } from "preact/hooks";
import type { PeerView } from "../api/types.ts";
import { nextDial } from "../panel/PeerDetails.tsx";
import { PeerLine } from "../shared/PeerText.tsx";
import { SortHead } from "../shared/SortHead.tsx";
import { useVirtualRows } from "../shared/virtual-rows.ts";
import { panel } from "../state/panel.ts";
import { peers, peersProblem } from "../state/peers.ts";
import { count, iso, plural, words } from "../text/format.ts";
import { PEER_COLUMNS, selectPeers } from "./select-peers.ts";
import "./peers.css";

const ROW_HEIGHT = 30;

export function PeerBook() {
  const [text, setText] = useState("");
  const [sort, setSort] = useState("");
  const all = peers.value?.peers;
  const shown = useMemo(() => selectPeers(all ?? [], text, sort), [all, text, sort]);
  return (
    <div data-testid="peers">
      <div class="tools">
        <input
          type="search"
          aria-label="Search the peer book"
          placeholder="Search address, source, reason …"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="muted">
          {plural(shown.length, "peer")}
          {all && shown.length !== all.length && ` of ${count(all.length)}`}
        </span>
      </div>
      {peersProblem.value && <p class="problem">{peersProblem.value}</p>}
      <PeerTable shown={shown} sort={sort} onSort={setSort} />
      {all && shown.length === 0 && <Nobody isFiltered={text !== ""} />}
    </div>
  );
}

function Nobody({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <p class="empty">No peers match.</p>;
  return (
    <p class="empty">
      The peer book is empty; set seeds under [node], or dial a peer with: <code>nocarrier connect ADDR</code>
    </p>
  );
}

function PeerTable({ shown, sort, onSort }: { shown: PeerView[]; sort: string; onSort(sort: string): void }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualRows(shown.length, ROW_HEIGHT, scroller);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it must be possible to scroll it without a mouse.
    <section class="table-scroll peer-scroll" ref={scroller} tabIndex={0} aria-label="Peer book">
      <table class="peer-table" aria-rowcount={shown.length + 1} aria-label="Peers">
        <thead>
          <tr aria-rowindex={1}>
            {PEER_COLUMNS.map(({ name, label }) => (
              <SortHead key={name} name={name} label={label} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={virtual.before} />
          {virtual.items.map(({ index }) => {
            const peer = shown[index];
            return peer && <Row key={peer.addr} peer={peer} index={index} />;
          })}
          <Spacer height={virtual.after} />
        </tbody>
      </table>
    </section>
  );
}

function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr class="spacer">
      <td colSpan={PEER_COLUMNS.length} style={{ height: `${height}px` }} />
    </tr>
  );
}

function Row({ peer, index }: { peer: PeerView; index: number }) {
  return (
    <tr aria-rowindex={index + 2} class="peer-row">
      <td>
        <button type="button" class="address" onClick={() => (panel.value = { of: "peer", addr: peer.addr })}>
          <PeerLine text={peer.addr} />
        </button>
      </td>
      <td>
        <span class={`state state-${peer.state}`}>{peer.state}</span>
      </td>
      <td>{peer.connected === null ? "unknown" : peer.connected ? "✓ connected" : ""}</td>
      <td>
        {words(peer.source)}
        {peer.via && (
          <span class="muted">
            {" "}
            via <PeerLine text={peer.via} />
          </span>
        )}
      </td>
      <td class="number">{peer.streak || ""}</td>
      <td>{peer.last_reason && words(peer.last_reason)}</td>
      <td title={peer.next_attempt_unix === null ? undefined : iso(peer.next_attempt_unix)}>
        {nextDial(peer.next_attempt_unix, peer.because, peer.connected === true)}
      </td>
    </tr>
  );
}
