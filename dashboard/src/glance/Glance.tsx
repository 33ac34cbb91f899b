/** The numbers that show the state of the node at a glance. */

import type { ComponentChildren } from "preact";
import { REACHABILITY } from "../api/tables.ts";
import type { StatusView } from "../api/types.ts";
import { nowUnix } from "../state/clock.ts";
import { counts, range } from "../state/history.ts";
import { node } from "../state/peers.ts";
import { dialRate, status } from "../state/status.ts";
import { bytes, count, fromNow, percent, plural } from "../text/format.ts";
import { visibleLabel } from "../text/visible.ts";
import { Sparkline } from "./Sparkline.tsx";
import { successShare } from "./success.ts";
import "./glance.css";

interface FactProps {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  level?: "good" | "warning" | "critical" | "plain";
}

function Fact({ label, value, note, level = "plain" }: FactProps) {
  return (
    <div class={`fact fact-${level}`}>
      <dt>{label}</dt>
      <dd>
        <span class="fact-value">{value}</span>
        {note && <span class="fact-note">{note}</span>}
      </dd>
    </div>
  );
}

export function Glance() {
  const now = status.value;
  return (
    <section class="glance" data-testid="glance" aria-labelledby="glance-title">
      <h2 id="glance-title" class="visually-hidden">
        At a glance
      </h2>
      {now ? (
        <dl>
          <Connected now={now} />
          <Fact label="In flight" value={count(now.dial_totals.in_flight)} note="dials that have not ended" />
          <Success now={now} />
          <Rate />
          <Book now={now} />
          <Reachability now={now} />
          <History now={now} />
          <Lost now={now} />
        </dl>
      ) : (
        <p class="muted">Waiting for the node's first status update.</p>
      )}
    </section>
  );
}

function Connected({ now }: { now: StatusView }) {
  const { connected, target_peers: target } = now;
  if (target === null)
    return <Fact label="Connected" value={count(connected)} note="this program has no nocarrier node" />;
  const level = connected === 0 && target > 0 ? "critical" : connected < target ? "warning" : "good";
  const note = connected >= target ? "target reached" : `${count(target - connected)} more wanted`;
  return (
    <Fact
      label="Connected"
      value={
        <>
          {count(connected)}
          <small> / {count(target)}</small>
        </>
      }
      note={note}
      level={level}
    />
  );
}

function Success({ now }: { now: StatusView }) {
  const { succeeded, failed, cancelled } = now.dial_totals;
  const ended = succeeded + failed + cancelled;
  const shown = range.value;
  const inRange = shown === "live" ? null : successShare(counts.value);
  return (
    <Fact
      label="Dials that succeeded"
      value={ended === 0 ? "–" : percent(succeeded / ended)}
      note={
        <>
          {ended === 0 ? "none has ended" : `${count(succeeded)} of ${count(ended)}`} since start,{" "}
          {fromNow(now.started_unix, nowUnix.value)}
          {inRange !== null && `; ${percent(inRange)} in the last ${shown}`}
        </>
      }
    />
  );
}

function Rate() {
  const { perMinute, over_s, bars } = dialRate.value;
  const value = perMinute === null ? "–" : count(Math.round(perMinute));
  return (
    <Fact
      label="Dials per minute"
      value={
        <>
          {value} <Sparkline bars={bars} label="Dials started in the last 10 minutes" />
        </>
      }
      note={
        perMinute === null
          ? "measuring"
          : over_s < 55
            ? `over the last ${Math.round(over_s)} s`
            : "started in the last minute"
      }
    />
  );
}

function Book({ now }: { now: StatusView }) {
  const { hot, warm, cold, total } = now.peer_book_counts;
  return (
    <Fact
      label="Peer book"
      value={count(total)}
      note={`${count(hot)} hot, ${count(warm)} warm, ${count(cold)} cold`}
      level={total === 0 ? "warning" : "plain"}
    />
  );
}

function Reachability({ now }: { now: StatusView }) {
  if (now.offline) {
    const because = node.value?.offline_because;
    return (
      <Fact
        label="Network"
        value="Offline"
        note={because ? visibleLabel(because) : "this machine has no usable network"}
        level="critical"
      />
    );
  }
  const ready = now.ready ? "" : "; the node is not ready";
  return (
    <Fact
      label="Reachability"
      value={now.reachability}
      note={REACHABILITY[now.reachability] + ready}
      level={now.reachability === "private" || !now.ready ? "warning" : "plain"}
    />
  );
}

function History({ now }: { now: StatusView }) {
  const { state, detail, events_total, size_bytes, waiting } = now.history;
  if (state === "off") return <Fact label="History" value="off" note="only this run is kept" />;
  if (state === "failing") {
    return <Fact label="History" value="failing" note={visibleLabel(detail ?? "no details", 300)} level="warning" />;
  }
  const queue = waiting > 0 ? `, ${count(waiting)} waiting` : "";
  const note = state === "starting" ? "being opened" : `${plural(events_total, "event")}, ${bytes(size_bytes)}${queue}`;
  return <Fact label="History" value={state} note={note} />;
}

/** Events must never be lost silently, so they are counted where people look. */
function Lost({ now }: { now: StatusView }) {
  const lost = Object.entries({ ...now.dropped, history: now.history.dropped_total }).filter(([, n]) => n > 0);
  if (lost.length === 0) return null;
  const total = lost.reduce((sum, [, n]) => sum + n, 0);
  const note = lost.map(([cause, n]) => `${visibleLabel(cause)} ${count(n)}`).join(", ");
  return <Fact label="Events lost" value={count(total)} note={note} level="warning" />;
}
