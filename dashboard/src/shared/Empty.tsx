import type { ComponentChildren } from "preact";
import { connection } from "../state/connection.ts";
import { status } from "../state/status.ts";

/** What stands where there is nothing to show; before the node has said a word, that this is so. */
export function Empty({ children }: { children: ComponentChildren }) {
  if (status.value !== null) return <p class="empty">{children}</p>;
  return (
    <p class="empty">
      {connection.value.state.name === "refused" ? "The node wants a token first." : "Waiting for the node."}
    </p>
  );
}
