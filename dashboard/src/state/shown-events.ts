/** Which events match the filters. Pure. */

import type { DialEvent } from "../api/types.ts";
import { ANY_KIND, type Filters } from "./filters-in-url.ts";

/** Whether skips are left out: they are, unless a filter asks for something that includes them. */
export function hidesSkips({ kind, reason, phase }: Filters): boolean {
  return kind === "" && reason === "" && phase !== "policy";
}

function isOfKind(event: DialEvent, filters: Filters): boolean {
  const { kind } = filters;
  if (kind === "") return event.kind !== "skip" || !hidesSkips(filters);
  return kind === ANY_KIND || event.kind === kind;
}

export function isShown(event: DialEvent, filters: Filters): boolean {
  const { reason, source, phase, addr, via, since, until } = filters;
  return (
    isOfKind(event, filters) &&
    (!reason || event.reason === reason) &&
    (!source || event.source === source) &&
    (!phase || event.phase === phase) &&
    (!addr || event.addr === addr) &&
    (!via || event.via === via) &&
    (since === null || event.at_unix >= since) &&
    (until === null || event.at_unix < until)
  );
}
