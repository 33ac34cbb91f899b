import { useState } from "preact/hooks";

/** A button that copies `text` unchanged. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  async function copy() {
    try {
      // The clipboard exists only in a secure context; over plain HTTP that is only loopback.
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("failed");
    }
    setTimeout(() => setState("idle"), 2000);
  }
  return (
    <button type="button" class="small" onClick={copy} aria-label={`${label}: ${text}`}>
      {state === "idle" ? "Copy" : state === "copied" ? "Copied" : "Copy it by hand"}
    </button>
  );
}
