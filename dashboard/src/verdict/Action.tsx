import type { ActionView } from "../api/types.ts";
import { Copy } from "../shared/Copy.tsx";
import { PeerText } from "../shared/PeerText.tsx";
import { Words } from "../shared/Words.tsx";
import { visible } from "../text/visible.ts";

/** What the operator can do: a sentence, and below it the command or settings to copy. */
export function Action({ action }: { action: ActionView }) {
  return (
    <li>
      <Words text={action.words} limit={2000} />
      {action.command !== null && <Copied lines={[action.command]} label="Copy the command" />}
      {action.settings !== null && <Copied lines={action.settings.split("\n")} label="Copy the settings" />}
    </li>
  );
}

function Copied({ lines, label }: { lines: string[]; label: string }) {
  // Only offer to copy text that is fully visible, so that the operator knows what is copied.
  const isWhatItShows = lines.every((line) => visible(line) === line);
  return (
    <span class="command">
      <code>
        {lines.map((line, index) => (
          <span class="command-line" key={`${index}`}>
            <PeerText text={line} limit={2000} />
          </span>
        ))}
      </code>
      {isWhatItShows && <Copy text={lines.join("\n")} label={label} />}
    </span>
  );
}
