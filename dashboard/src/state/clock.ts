/** The time of the node, which stamps everything that is shown; the viewer's clock may be another. */

import { signal } from "@preact/signals";

/** A smaller difference is the way of the message, not a wrong clock. */
const NOTEWORTHY_S = 2;

let aheadS = 0;

function read(): number {
  return Date.now() / 1000 + aheadS;
}

/** Seconds since 1970, once a second; every "5 min ago" on the page follows it. */
export const nowUnix = signal(read());

/** Learns from a status message what time it is at the node. */
export function takeNodeTime(atUnix: number): void {
  const ahead = atUnix - Date.now() / 1000;
  aheadS = Math.abs(ahead) < NOTEWORTHY_S ? 0 : ahead;
}

setInterval(() => {
  if (document.visibilityState === "visible") nowUnix.value = read();
}, 1000);

document.addEventListener("visibilitychange", () => {
  nowUnix.value = read();
});
