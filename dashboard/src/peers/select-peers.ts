/** Which peers the peer book shows, and in what order. Pure. */

import type { PeerView } from "../api/types.ts";

interface PeerColumn {
  name: string;
  label: string;
  value(peer: PeerView): string | number;
}

const STATES = ["hot", "warm", "cold"];

/** Peers that are not dialed until something changes come last. */
const NEVER = Number.MAX_VALUE;

export const PEER_COLUMNS: readonly PeerColumn[] = [
  { name: "addr", label: "Address", value: (peer) => peer.addr },
  { name: "state", label: "State", value: (peer) => STATES.indexOf(peer.state) },
  { name: "connected", label: "Connected", value: (peer) => (peer.connected ? 0 : 1) },
  { name: "source", label: "Source", value: (peer) => `${peer.source} ${peer.via ?? ""}` },
  { name: "streak", label: "Streak", value: (peer) => peer.streak },
  { name: "reason", label: "Last reason", value: (peer) => peer.last_reason ?? "" },
  { name: "next", label: "Next dial", value: (peer) => peer.next_attempt_unix ?? (peer.because ? NEVER : 0) },
];

export function selectPeers(peers: readonly PeerView[], text: string, sort: string): PeerView[] {
  const needle = text.trim().toLowerCase();
  const matching = peers.filter(
    (peer) =>
      !needle ||
      [peer.addr, peer.via, peer.source, peer.state, peer.last_reason, peer.node_id].some((field) =>
        field?.toLowerCase().includes(needle),
      ),
  );
  const column = PEER_COLUMNS.find(({ name }) => name === sort.replace("-", ""));
  if (!column) return matching;
  const direction = sort.startsWith("-") ? -1 : 1;
  return matching
    .map((peer) => ({ peer, value: column.value(peer) }))
    .sort((a, b) => direction * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
    .map(({ peer }) => peer);
}
