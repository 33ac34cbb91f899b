/** The peer book and the sessions. They are loaded while they are shown, each time the node says that they changed. */

import { computed, effect, signal } from "@preact/signals";
import { getJson } from "../api/client.ts";
import type { ConnectedPeer, NodeInfo, PeerView } from "../api/types.ts";
import { filters } from "./filters.ts";
import { panel } from "./panel.ts";
import { status } from "./status.ts";

const LEAST_BETWEEN_MS = 3_000;

export interface Peers {
  peers: PeerView[];
  connected: ConnectedPeer[];
}

export const peers = signal<Peers | null>(null);
export const node = signal<NodeInfo | null>(null);
export const peersProblem = signal<string | null>(null);

export const peerByAddr = computed(() => new Map(peers.value?.peers.map((peer) => [peer.addr, peer])));

const looking = computed(() => filters.value.tab !== "dials" || panel.value !== null);
const revision = computed(() => status.value && `${status.value.started_unix}/${status.value.node_revision}`);

let loadedRevision: string | null = null;
let loadedAtMs = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

export function forgetPeers(): void {
  loadedRevision = null;
}

async function load(): Promise<void> {
  loadedRevision = revision.peek();
  loadedAtMs = Date.now();
  try {
    const [book, debug] = await Promise.all([getJson("api/p2p/peers"), getJson("api/p2p/debug")]);
    peers.value = { peers: book.peers, connected: debug.connected_peers };
    node.value = debug.node;
    peersProblem.value = null;
  } catch (error) {
    loadedRevision = null;
    peersProblem.value = error instanceof Error ? error.message : String(error);
  }
}

/** Starts loading peers. Call it once. */
export function startPeers(): void {
  effect(() => {
    if (revision.value === null || node.value !== null) return;
    getJson("api/p2p/debug").then(
      (debug) => {
        node.value = debug.node;
      },
      () => undefined,
    );
  });
  effect(() => {
    if (!looking.value || revision.value === null || revision.value === loadedRevision) return;
    clearTimeout(timer);
    timer = setTimeout(() => void load(), Math.max(0, loadedAtMs + LEAST_BETWEEN_MS - Date.now()));
  });
}
