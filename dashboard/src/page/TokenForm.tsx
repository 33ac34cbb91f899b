import { useState } from "preact/hooks";
import { enterToken, tokenEntered, tokenWanted } from "../api/client.ts";

/** Asks for the node's token if the node needs one. */
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
        {tokenEntered.value > 0 ? "The node refused that token. Enter" : "This node needs a token:"} the value of{" "}
        <code>token</code> under <code>[http]</code> in its settings.
      </label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">Continue</button>
      <p class="muted">The token is kept only in this tab and sent only to this node.</p>
    </form>
  );
}
