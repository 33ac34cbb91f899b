/** The phases and attempts of one dial, each on its own line, on a common linear axis. */

import type { DialEvent } from "../api/types.ts";
import { type Bar, phaseBars, totalSeconds } from "../dials/waterfall-layout.ts";
import { PeerLine, PeerText } from "../shared/PeerText.tsx";
import { duration, words } from "../text/format.ts";

/** Time of a dial outside all phases: between the steps, and for closing the connection at the end. */
const OUTSIDE = "between and after";

export function Timeline({ event }: { event: DialEvent }) {
  const bars = phaseBars(event);
  const { attempts } = event;
  const ends = attempts.map((attempt) => attempt.started_s + attempt.duration_s);
  const most_s = Math.max(totalSeconds(event), ...ends);
  if (bars.length === 0 && attempts.length === 0) return null;
  return (
    <section>
      <h3>Where the time went</h3>
      <table class="timeline">
        <thead>
          <tr>
            <th scope="col">Phase</th>
            <th scope="col">0 to {duration(most_s)}</th>
            <th scope="col">Took</th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.name}>
              <th scope="row">{bar.name === "between" ? OUTSIDE : bar.name}</th>
              <td>
                <Line bar={bar} most_s={most_s} />
              </td>
              <td class="number">{duration(bar.length_s)}</td>
            </tr>
          ))}
          {attempts.map((attempt, index) => (
            <tr key={`${index}`} class="attempt">
              <th scope="row">
                <PeerLine text={attempt.addr} />
                <div class="muted">{attempt.reason ? words(attempt.reason) : "connected"}</div>
                {attempt.detail && (
                  <div class="muted">
                    <PeerText text={attempt.detail} limit={160} />
                  </div>
                )}
              </th>
              <td>
                <Line
                  bar={{ name: attempt.phase, start_s: attempt.started_s, length_s: attempt.duration_s }}
                  most_s={most_s}
                />
              </td>
              <td class="number">{duration(attempt.duration_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Line({ bar, most_s }: { bar: Bar; most_s: number }) {
  const share = (seconds: number) => (most_s > 0 ? (100 * seconds) / most_s : 0);
  const start = Math.min(99, share(bar.start_s));
  const width = Math.max(0.8, Math.min(100 - start, share(bar.length_s)));
  return (
    <svg class="waterfall" width="100%" height="12" aria-hidden="true">
      <rect class={`phase-${bar.name}`} x={`${start}%`} y="0" width={`${width}%`} height="12" />
    </svg>
  );
}
