/** Whether the page receives the live stream, and when it tries again if not. */

import { nowUnix } from "../state/clock.ts";
import { connection, reconnectNow, restartedUnix } from "../state/connection.ts";
import { fromNow, span } from "../text/format.ts";

/** How long a restart is shown. */
const NEWS_S = 300;

export function ConnectionState() {
  const { state, lostSinceUnix } = connection.value;
  const restarted = restartedUnix.value;
  const isNews = restarted !== null && nowUnix.value - restarted < NEWS_S;
  return (
    <div class="connection" data-testid="connection" data-state={state.name}>
      <span class={`dot dot-${state.name}`} aria-hidden="true" />
      <span aria-live="polite">{label(state.name)}</span>
      {lostSinceUnix !== null && state.name !== "refused" && (
        <span class="muted">for {span(nowUnix.value - lostSinceUnix)}</span>
      )}
      {state.name === "waiting" && (
        <>
          <span class="muted" title={state.problem}>
            next try {fromNow(nowUnix.value + (state.retryAtMs - Date.now()) / 1000, nowUnix.value)}
          </span>
          <button type="button" class="small" onClick={reconnectNow}>
            Try now
          </button>
        </>
      )}
      {isNews && state.name === "live" && <span class="badge">node restarted {fromNow(restarted, nowUnix.value)}</span>}
    </div>
  );
}

function label(name: string): string {
  switch (name) {
    case "live":
      return "Live";
    case "waiting":
      return "Reconnecting";
    case "refused":
      return "Token needed";
    default:
      return "Connecting";
  }
}
