/** Sessions and introductions as a graph that is small enough to draw. Pure. */

import type { ConnectedPeer, PeerView } from "../api/types.ts";

/** With more nodes than this the drawing is an unreadable cloud, and slow to lay out. */
export const MOST_NODES = 250;

/** The id of this node; no address looks like it. */
export const SELF = "this node";

export interface MeshNode {
  id: string;
  state: "self" | "hot" | "warm" | "cold" | "unknown";
  isConnected: boolean;
  isSeed: boolean;
}

export interface MeshEdge {
  from: string;
  to: string;
  kind: "outbound" | "inbound" | "introduced";
}

export interface MeshGraph {
  nodes: MeshNode[];
  edges: MeshEdge[];
  /** How many peers are not shown. */
  leftOut: number;
}

/** Connected peers first, then introducers, then seeds, then the rest in the order of the peer book. */
function rank(node: MeshNode, introducers: ReadonlySet<string>): number {
  if (node.isConnected) return 0;
  if (introducers.has(node.id)) return 1;
  return node.isSeed ? 2 : 3;
}

export function meshOf(peers: readonly PeerView[], connected: readonly ConnectedPeer[], most = MOST_NODES): MeshGraph {
  const nodes = new Map<string, MeshNode>();
  const introducers = new Set<string>();
  for (const peer of peers) {
    const { addr: id, state, source, via } = peer;
    nodes.set(id, { id, state, isConnected: peer.connected === true, isSeed: source === "seed" });
    if (via) introducers.add(via);
  }
  for (const { addr: id, source } of connected) {
    const known = nodes.get(id);
    if (known) known.isConnected = true;
    else nodes.set(id, { id, state: "unknown", isConnected: true, isSeed: source === "seed" });
  }
  for (const id of introducers) {
    if (!nodes.has(id)) nodes.set(id, { id, state: "unknown", isConnected: false, isSeed: false });
  }
  const ranked = [...nodes.values()].sort((a, b) => rank(a, introducers) - rank(b, introducers));
  const kept = ranked.slice(0, most);
  const ids = new Set(kept.map(({ id }) => id));
  const edges: MeshEdge[] = [];
  for (const { addr, direction } of connected) {
    if (!ids.has(addr)) continue;
    if (direction === "outbound") edges.push({ from: SELF, to: addr, kind: "outbound" });
    else edges.push({ from: addr, to: SELF, kind: "inbound" });
  }
  for (const { addr, via } of peers) {
    if (via && via !== addr && ids.has(addr) && ids.has(via)) edges.push({ from: via, to: addr, kind: "introduced" });
  }
  return {
    nodes: [{ id: SELF, state: "self", isConnected: true, isSeed: false }, ...kept],
    edges,
    leftOut: ranked.length - kept.length,
  };
}
