/** A drawing of the paths that dials took: the more dials, the thicker the line. */

import { sankey, sankeyLinkHorizontal } from "d3-sankey";
import { useMemo } from "preact/hooks";
import { colour } from "../shared/colours.ts";
import { Empty } from "../shared/Empty.tsx";
import { pressed } from "../shared/pressed.ts";
import { useWidth } from "../shared/use-width.ts";
import { filters, toggleFilters } from "../state/filters.ts";
import { counts, range } from "../state/history.ts";
import { count, percent, plural, words } from "../text/format.ts";
import { type FlowFilter, type FlowGraph, type FlowLink, type FlowNode, flowOf } from "./flow-graph.ts";
import "./flow.css";

const NODE_WIDTH = 11;
/** Room for the names beside the last column. */
const LABEL_ROOM = 160;
const NARROW = 520;

export function Flow() {
  const shown = counts.value;
  const graph = useMemo(() => flowOf(shown), [shown]);
  return (
    <section class="card" data-testid="flow" aria-labelledby="flow-title">
      <div class="card-head">
        <h2 id="flow-title">Path of dials</h2>
        <span class="muted">
          {range.value === "live" ? "last 10 min on this page" : `last ${range.value}`}: from source to phase to outcome
        </span>
      </div>
      {graph.total === 0 ? <Empty>No dials ended in this range.</Empty> : <Diagram graph={graph} />}
    </section>
  );
}

function layOut(graph: FlowGraph, width: number) {
  const side = width < NARROW ? 0 : 8;
  const ends = graph.nodes.filter((node) => node.column === 2).length;
  const height = Math.max(190, 31 * ends);
  const layout = sankey<FlowNode, FlowLink>()
    .nodeId((node) => node.id)
    .nodeAlign((node) => node.column)
    .nodeWidth(NODE_WIDTH)
    .nodePadding(15)
    .extent([
      [side, 8],
      [Math.max(side + 60, width - LABEL_ROOM), height - 8],
    ]);
  const laidOut = layout({
    nodes: graph.nodes.map((node) => ({ ...node })),
    links: graph.links.map((link) => ({ ...link })),
  });
  return { ...laidOut, height };
}

const linkPath = sankeyLinkHorizontal<FlowNode, FlowLink>();

function stands(filter: FlowFilter): boolean {
  const entries = Object.entries(filter) as [keyof FlowFilter, string][];
  return entries.length > 0 && entries.every(([name, value]) => filters.value[name] === value);
}

function Diagram({ graph }: { graph: FlowGraph }) {
  const { holder, width } = useWidth();
  const drawn = useMemo(() => (width > 0 ? layOut(graph, width) : null), [graph, width]);
  return (
    <div class="flow" ref={holder}>
      {drawn && (
        // biome-ignore lint/a11y/useSemanticElements: a group of buttons inside an SVG.
        <svg width={width} height={drawn.height} role="group" aria-label={`Path of ${plural(graph.total, "dial")}`}>
          {drawn.links.map((link) => {
            const from = link.source as FlowNode;
            const to = link.target as FlowNode;
            const text = `${words(from.label)} to ${words(to.label)}: ${plural(link.value, "dial")}, ${percent(link.value / graph.total)}`;
            return (
              <path
                key={`${from.id}>${to.id}`}
                class={stands(link.filter) ? "flow-link is-chosen" : "flow-link"}
                d={linkPath(link) ?? ""}
                stroke-width={Math.max(1.5, link.width ?? 1)}
                style={{ stroke: to.column === 2 ? colour(to.label) : "var(--line-strong)" }}
                {...pressed(text, stands(link.filter), () => toggleFilters(link.filter))}
              >
                <title>{text}</title>
              </path>
            );
          })}
          {drawn.nodes.map((node) => {
            const text = `${words(node.label)}: ${plural(node.value ?? 0, "dial")}`;
            const [x0, y0, y1] = [node.x0 ?? 0, node.y0 ?? 0, node.y1 ?? 0];
            return (
              <g
                key={node.id}
                class={stands(node.filter) ? "flow-node is-chosen" : "flow-node"}
                {...pressed(text, stands(node.filter), () => toggleFilters(node.filter))}
              >
                <title>{text}</title>
                <rect
                  x={x0}
                  y={y0}
                  width={NODE_WIDTH}
                  height={Math.max(2, y1 - y0)}
                  style={{ fill: node.column === 2 ? colour(node.label) : "var(--muted)" }}
                />
                <text x={x0 + NODE_WIDTH + 5} y={(y0 + y1) / 2} dy="0.35em">
                  {words(node.label)} <tspan class="flow-count">{count(node.value ?? 0)}</tspan>
                </text>
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}
