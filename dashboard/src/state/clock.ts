/** The node's clock, which all shown times come from. The viewer's clock may differ. */

import { signal } from "@preact/signals";

/** A smaller difference comes from the time that messages take, not from a wrong clock. */
const NOTEWORTHY_S = 2;

let aheadS = 0;

function read(): number {
  return Date.now() / 1000 + aheadS;
}

/** Unix seconds, updated once a second; every "5 min ago" on the page follows it. */
export const nowUnix = signal(read());

/** Takes the node's time from a status message. */
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
