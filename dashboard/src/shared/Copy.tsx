import { useState } from "preact/hooks";

/** Copies `text` as it is. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  async function copy() {
    try {
      // Only there in a secure context: over plain HTTP, on loopback alone.
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("failed");
    }
    setTimeout(() => setState("idle"), 2000);
  }
  return (
    <button type="button" class="small" onClick={copy} aria-label={`${label}: ${text}`}>
      {state === "idle" ? "Copy" : state === "copied" ? "Copied" : "Select it by hand"}
    </button>
  );
}
