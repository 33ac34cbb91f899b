/** The mesh as this node sees it: its sessions, and which peer told it which address. */

import { useMemo, useRef } from "preact/hooks";
import { pressed } from "../shared/pressed.ts";
import { useWidth } from "../shared/use-width.ts";
import { panel } from "../state/panel.ts";
import { peers, peersProblem } from "../state/peers.ts";
import { plural } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { type MeshGraph, type MeshNode, meshOf, SELF } from "./mesh-graph.ts";
import { meshLayout, type Place } from "./mesh-layout.ts";
import "./mesh.css";

const HEIGHT = 560;
const RADIUS = 8;
/** With more nodes than this, only connected nodes and those under the pointer or focus show their names. */
const NAMED = 40;

export function Mesh() {
  const { holder, width } = useWidth();
  const known = peers.value;
  const graph = useMemo(() => known && meshOf(known.peers, known.connected), [known]);
  const others = graph ? graph.nodes.length - 1 : 0;
  return (
    <div class="mesh" data-testid="mesh">
      <p class="muted">
        {graph && `${plural(others, "peer")}`}
        {graph &&
          graph.leftOut > 0 &&
          `; ${plural(graph.leftOut, "more peer")} in the peer book not shown, none of them connected`}
        . Click a peer for details.
      </p>
      <Key />
      {peersProblem.value && <p class="problem">{peersProblem.value}</p>}
      <div ref={holder}>
        {graph && others === 0 && <p class="empty">This node knows no peers; set seeds under [node].</p>}
        {graph && others > 0 && width > 0 && <Drawing graph={graph} width={width} />}
      </div>
    </div>
  );
}

function Key() {
  return (
    <ul class="mesh-key" aria-label="Key">
      <li>
        <i class="key-line key-outbound" /> outbound session
      </li>
      <li>
        <i class="key-line key-inbound" /> inbound session
      </li>
      <li>
        <i class="key-line key-introduced" /> told this node the address
      </li>
      <li>
        <i class="key-dot mesh-hot" /> hot
      </li>
      <li>
        <i class="key-dot mesh-warm" /> warm
      </li>
      <li>
        <i class="key-dot mesh-cold" /> cold
      </li>
      <li>
        <i class="key-square" /> seed
      </li>
    </ul>
  );
}

function Drawing({ graph, width }: { graph: MeshGraph; width: number }) {
  const before = useRef<ReadonlyMap<string, Place>>(new Map());
  const places = useMemo(() => {
    before.current = meshLayout(graph, width, HEIGHT, before.current);
    return before.current;
  }, [graph, width]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of buttons inside an SVG.
    <svg width={width} height={HEIGHT} role="group" aria-label={`Mesh of ${graph.nodes.length - 1} peers`}>
      <defs>
        {(["outbound", "inbound", "introduced"] as const).map((kind) => (
          <marker
            key={kind}
            id={`arrow-${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path class={`arrow-${kind}`} d="M0 0L8 4L0 8z" />
          </marker>
        ))}
      </defs>
      {graph.edges.map(({ from, to, kind }) => (
        <Arrow key={`${from}>${to}/${kind}`} from={places.get(from)} to={places.get(to)} kind={kind} />
      ))}
      {graph.nodes.map((node) => (
        <Dot key={node.id} node={node} place={places.get(node.id)} isNamed={graph.nodes.length <= NAMED} />
      ))}
    </svg>
  );
}

function Arrow({ from, to, kind }: { from: Place | undefined; to: Place | undefined; kind: string }) {
  if (!from || !to) return null;
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const back = (RADIUS + 3) / length;
  return (
    <line
      class={`edge edge-${kind}`}
      x1={from.x + (to.x - from.x) * back}
      y1={from.y + (to.y - from.y) * back}
      x2={to.x - (to.x - from.x) * back}
      y2={to.y - (to.y - from.y) * back}
      marker-end={`url(#arrow-${kind})`}
    />
  );
}

function Dot({ node, place, isNamed }: { node: MeshNode; place: Place | undefined; isNamed: boolean }) {
  if (!place) return null;
  const { id, state, isConnected, isSeed } = node;
  const label = visibleLabel(id, 60);
  const text = [
    label,
    state === "self" ? "" : state,
    isConnected ? "connected" : "not connected",
    isSeed ? "seed" : "",
  ];
  const shape = `mesh-${state}${isConnected ? " is-connected" : ""}`;
  const button =
    id === SELF ? {} : pressed(text.filter(Boolean).join(", "), false, () => (panel.value = { of: "peer", addr: id }));
  return (
    <g
      class={isNamed || isConnected ? "mesh-node is-named" : "mesh-node"}
      transform={`translate(${place.x} ${place.y})`}
      {...button}
    >
      <title>{text.filter(Boolean).join(", ")}</title>
      {isSeed ? (
        <rect class={shape} x={-RADIUS} y={-RADIUS} width={2 * RADIUS} height={2 * RADIUS} rx="2" />
      ) : (
        <circle class={shape} r={id === SELF ? RADIUS + 3 : RADIUS} />
      )}
      <text y={RADIUS + 14}>{label}</text>
    </g>
  );
}
