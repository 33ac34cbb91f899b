import { useState } from "preact/hooks";
import { enterToken, tokenEntered, tokenWanted } from "../api/client.ts";

/** Asks for the node's token where it wants one. */
export function TokenForm() {
  const [text, setText] = useState("");
  if (!tokenWanted.value) return null;
  return (
    <form
      class="token-form"
      data-testid="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) enterToken(text.trim());
      }}
    >
      <label for="token">
        {tokenEntered.value > 0 ? "The node refused that token; it wants" : "This node wants a token:"} the value of{" "}
        <code>token</code> under <code>[http]</code> in its settings.
      </label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">Go on</button>
      <p class="muted">Kept in this tab only, and sent to this node only.</p>
    </form>
  );
}
