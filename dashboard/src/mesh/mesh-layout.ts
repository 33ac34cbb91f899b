/** A force layout of the mesh, computed at once because nobody needs to watch it settle. */

import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from "d3-force";
import { type MeshGraph, SELF } from "./mesh-graph.ts";

const STEPS = 160;
const NODE_ROOM = 16;
/** Half the width of a name below its node. */
const NAME_ROOM = 60;
/** Few nodes push each other far apart, so that their names have room; many push less, so that they fit the drawing. */
const PUSH_OF_ALL = -30_000;
const PUSH_MOST = -1_400;
const PUSH_LEAST = -110;
const SETTLED_STEPS = 40;

export interface Place {
  x: number;
  y: number;
}

interface Body extends SimulationNodeDatum {
  id: string;
}

/** Places all nodes within `width` by `height`. Nodes that had a place before start from it, and so hardly move. */
export function meshLayout(
  graph: MeshGraph,
  width: number,
  height: number,
  before: ReadonlyMap<string, Place>,
): Map<string, Place> {
  const bodies: Body[] = graph.nodes.map(({ id }) => {
    const center = { x: width / 2, y: height / 2 };
    if (id === SELF) return { id, ...center, fx: center.x, fy: center.y };
    return { id, ...before.get(id) };
  });
  const links = graph.edges.map(({ from, to, kind }) => ({ source: from, target: to, kind }));
  const push = Math.max(PUSH_MOST, Math.min(PUSH_LEAST, PUSH_OF_ALL / bodies.length));
  forceSimulation(bodies)
    .force(
      "link",
      forceLink<Body, (typeof links)[number]>(links)
        .id(({ id }) => id)
        .distance(({ kind }) => (kind === "introduced" ? 70 : 110))
        .strength(({ kind }) => (kind === "introduced" ? 0.25 : 0.5)),
    )
    .force("charge", forceManyBody().strength(push).distanceMax(600))
    .force("x", forceX(width / 2).strength((0.09 * height) / width))
    .force("y", forceY(height / 2).strength(0.13))
    .force("collide", forceCollide(NODE_ROOM))
    .stop()
    .tick(before.size > 0 ? SETTLED_STEPS : STEPS);
  const inside = (value: number, length: number, edge: number) => Math.min(length - edge, Math.max(edge, value));
  return new Map(
    bodies.map(({ id, x = 0, y = 0 }) => [
      id,
      { x: inside(x, width, Math.min(NAME_ROOM, width / 4)), y: inside(y, height, NODE_ROOM + 8) },
    ]),
  );
}
