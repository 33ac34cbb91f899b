import { nowUnix } from "../state/clock.ts";
import { clockTime, fromNow, iso } from "../text/format.ts";

/** A time such as "14:03:22" in the viewer's time zone, with the full time as the title. */
export function Time({ unix }: { unix: number }) {
  const whole = iso(unix);
  return (
    <time dateTime={whole} title={whole}>
      {clockTime(unix, nowUnix.value)}
    </time>
  );
}

/** A time relative to now: "5 min ago", "in 3 s". */
export function FromNow({ unix }: { unix: number }) {
  return (
    <time dateTime={iso(unix)} title={iso(unix)}>
      {fromNow(unix, nowUnix.value)}
    </time>
  );
}
