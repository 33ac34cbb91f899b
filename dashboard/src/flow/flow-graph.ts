/** The paths of dials as a graph: from the source of the address, through the phase reached, to the outcome. Pure. */

import type { EventCount, Kind } from "../api/types.ts";
import type { Dimension } from "../state/filters-in-url.ts";

export type FlowFilter = Partial<Record<Dimension, string>>;

export interface FlowNode {
  id: string;
  label: string;
  column: 0 | 1 | 2;
  filter: FlowFilter;
}

export interface FlowLink {
  source: string;
  target: string;
  value: number;
  filter: FlowFilter;
}

export interface FlowGraph {
  nodes: FlowNode[];
  links: FlowLink[];
  total: number;
}

/** A skip never began, and an early disconnect follows a dial that succeeded, so neither is an end of a dial. */
const ENDS: readonly Kind[] = ["succeeded", "failure", "cancelled"];

/** With more reasons than this, the rarest would be slivers, so they share one node. */
const MOST_ENDS = 12;
const OTHERS = "other reasons";

function endOf({ kind, reason }: EventCount): string {
  return reason ?? kind;
}

export function flowOf(counts: readonly EventCount[]): FlowGraph {
  const dials = counts.filter(({ kind, count, phase }) => ENDS.includes(kind) && count > 0 && phase !== null);
  const byEnd = new Map<string, number>();
  for (const one of dials) byEnd.set(endOf(one), (byEnd.get(endOf(one)) ?? 0) + one.count);
  const named = new Set(
    [...byEnd.entries()]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_ENDS)
      .map(([name]) => name),
  );
  const nodes = new Map<string, FlowNode>();
  const links = new Map<string, FlowLink>();
  let total = 0;
  for (const one of dials) {
    const phase = one.phase ?? "";
    const name = named.has(endOf(one)) ? endOf(one) : OTHERS;
    const ending: FlowFilter = name === OTHERS ? {} : one.reason ? { reason: one.reason } : { kind: one.kind };
    const from = `source/${one.source}`;
    const over = `phase/${phase}`;
    const to = `end/${name}`;
    nodes.set(from, { id: from, label: one.source, column: 0, filter: { source: one.source } });
    nodes.set(over, { id: over, label: phase, column: 1, filter: { phase } });
    nodes.set(to, { id: to, label: name, column: 2, filter: ending });
    addTo(links, { source: from, target: over, value: one.count, filter: { source: one.source, phase } });
    addTo(links, { source: over, target: to, value: one.count, filter: { phase, ...ending } });
    total += one.count;
  }
  return { nodes: [...nodes.values()], links: [...links.values()], total };
}

function addTo(links: Map<string, FlowLink>, link: FlowLink): void {
  const key = `${link.source}>${link.target}`;
  const known = links.get(key);
  if (known) known.value += link.value;
  else links.set(key, link);
}
