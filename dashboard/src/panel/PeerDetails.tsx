/** What is known of one peer: its state, its dials, how this node learned its address; and a button to dial it again. */

import { useState } from "preact/hooks";
import { Address } from "../shared/Address.tsx";
import { PeerText } from "../shared/PeerText.tsx";
import { FromNow } from "../shared/Time.tsx";
import { nowUnix } from "../state/clock.ts";
import { setFilters } from "../state/filters.ts";
import { panel } from "../state/panel.ts";
import { peerByAddr, peers } from "../state/peers.ts";
import { fromNow, plural, words } from "../text/format.ts";
import { Chain } from "./Chain.tsx";
import { DialAgain } from "./DialAgain.tsx";
import { PeerHistory } from "./PeerHistory.tsx";

export function PeerDetails({ addr, isWhole = false }: { addr: string; isWhole?: boolean }) {
  const [dialed, setDialed] = useState(0);
  const Heading = isWhole ? "h2" : "h3";
  function showDials() {
    panel.value = null;
    setFilters({ addr, tab: "dials" });
  }
  return (
    <section>
      <Heading id={isWhole ? "panel-title" : undefined}>{isWhole ? <PeerText text={addr} /> : "The peer"}</Heading>
      <Standing addr={addr} />
      <div class="panel-buttons">
        <button type="button" onClick={showDials}>
          Show only this peer's dials
        </button>
        <DialAgain addr={addr} onDialed={() => setDialed((n) => n + 1)} />
      </div>
      <Chain addr={addr} />
      <PeerHistory addr={addr} again={dialed} />
    </section>
  );
}

function Standing({ addr }: { addr: string }) {
  if (peers.value === null) return <p class="muted">Loading the peer book.</p>;
  const peer = peerByAddr.value.get(addr);
  const session = peers.value.connected.find((one) => one.addr === addr);
  if (!peer) {
    return (
      <p class="muted">{session ? "Connected now, but not in the peer book." : "This peer is not in the peer book."}</p>
    );
  }
  return (
    <dl class="pairs">
      <dt>State</dt>
      <dd>
        {peer.state}
        {peer.connected && ", connected now"}
        {session && ` (${session.direction})`}
      </dd>
      {session && (
        <>
          <dt>Software</dt>
          <dd>
            <PeerText text={session.user_agent} limit={100} />, protocol {session.protocol_version}
          </dd>
        </>
      )}
      <dt>Source</dt>
      <dd>
        {words(peer.source)}
        {peer.via && (
          <>
            {" "}
            via <Address addr={peer.via} field="via" />
          </>
        )}
      </dd>
      <dt>Streak</dt>
      <dd>{plural(peer.streak, "failure")} in a row</dd>
      {peer.last_reason && (
        <>
          <dt>Last reason</dt>
          <dd>{words(peer.last_reason)}</dd>
        </>
      )}
      <dt>Next dial</dt>
      <dd>{nextDial(peer.next_attempt_unix, peer.because, peer.connected === true)}</dd>
      {peer.last_success_unix !== null && (
        <>
          <dt>Last success</dt>
          <dd>
            <FromNow unix={peer.last_success_unix} />
          </dd>
        </>
      )}
    </dl>
  );
}

/** When the next dial is due and why not now, from the two fields of `/api/p2p/peers`. */
export function nextDial(nextUnix: number | null, because: string | null, isConnected: boolean): string {
  if (isConnected) return "not needed";
  const why = because ? ` (${words(because)})` : "";
  if (nextUnix === null) return because ? `when something changes${why}` : "any time";
  return nextUnix <= nowUnix.value ? `due${why}` : `${fromNow(nextUnix, nowUnix.value)}${why}`;
}
