import type { ComponentChildren } from "preact";
import { connection } from "../state/connection.ts";
import { status } from "../state/status.ts";

/** A note in place of data. Before the first message from the node, it says that the page waits for the node. */
export function Empty({ children }: { children: ComponentChildren }) {
  if (status.value !== null) return <p class="empty">{children}</p>;
  return (
    <p class="empty">
      {connection.value.state.name === "refused" ? "The node needs a token first." : "Waiting for the node."}
    </p>
  );
}
