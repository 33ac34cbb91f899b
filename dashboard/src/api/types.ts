/** The shapes of the HTTP API, as docs/reference/api.md names them. `null` means: not known, or does not apply. */

export type Severity = "critical" | "warning" | "info";
export type Blame = "us" | "path" | "them" | "none" | "unknown";
export type EventKind = "started" | "succeeded" | "failure" | "cancelled" | "skip" | "disconnect";
export type Evidence = Record<string, unknown>;

export interface Attempt {
  addr: string;
  started_s: number;
  duration_s: number;
  reason: string | null;
  blame: Blame | null;
  phase: string;
  detail: string | null;
  evidence: Evidence;
}

export interface RecordedEvent {
  seq: number;
  kind: EventKind;
  addr: string;
  source: string;
  via: string | null;
  at_unix: number;
  timestamp_unix: number;
  dial_id: number | null;
  reason: string | null;
  phase: string | null;
  blame: Blame | null;
  detail: string | null;
  duration_s: number | null;
  node_id: string | null;
  penalised: boolean;
  attempts: Attempt[];
  evidence: Evidence;
  phases_s: Record<string, number>;
}

export interface EvidenceItem {
  statement: string;
  count: number;
  addrs: string[];
  event_ids: number[];
}

export interface Finding {
  code: string;
  title: string;
  severity: Severity;
  blame: Blame;
  summary: string;
  confidence: number;
  evidence: EvidenceItem[];
  affected_peers: number;
  affected_dials: number;
  next_actions: string[];
  since_unix: number;
  hides: string[];
}

export interface Diagnosis {
  at_unix: number;
  healthy: boolean;
  /** An older node has none. */
  status?: "healthy" | "unhealthy" | "undetermined";
  /** Why it is undetermined. */
  status_detail?: string | null;
  findings: Finding[];
}

export interface Totals {
  started: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  in_flight: number;
  skipped: number;
  disconnected_early: number;
}

export interface HistoryStatus {
  state: "off" | "starting" | "working" | "failing";
  detail: string | null;
  since_unix: number | null;
  events_total: number;
  size_bytes: number;
  waiting: number;
  dropped_total: number;
}

export interface Status {
  at_unix: number;
  started_unix: number;
  /** Names this start of the program, as event numbers count anew in each; an older node has none. */
  start_id?: string;
  seq: number;
  dial_totals: Totals;
  connected: number;
  target_peers: number | null;
  peer_book_counts: { hot: number; warm: number; cold: number; total: number };
  reachability: "public" | "private" | "unknown";
  offline: boolean;
  ready: boolean;
  node_revision: number;
  dropped: Record<string, number>;
  history: HistoryStatus;
}

export interface Gap {
  after_seq: number;
  next_seq: number;
  /** null: the node was restarted, and its numbers begin anew. */
  missed: number | null;
}

export interface HistoryPage {
  events: RecordedEvent[];
  next_cursor: string | null;
}

export interface EventCount {
  kind: EventKind;
  source: string;
  phase: string | null;
  reason: string | null;
  count: number;
}

export interface Series {
  since_unix: number;
  until_unix: number;
  bucket_s: number;
  series: Record<string, number[]>;
  counts: EventCount[];
  starts_unix: number[];
}

export interface StoredFinding {
  id: number;
  began_unix: number;
  ended_unix: number | null;
  ended_by: "cleared" | "stopped" | "crashed" | null;
  worst_severity: Severity;
  finding: Finding;
}

export interface Peer {
  addr: string;
  state: "hot" | "warm" | "cold";
  connected: boolean | null;
  source: string;
  via: string | null;
  node_id: string | null;
  first_seen_unix: number | null;
  last_success_unix: number | null;
  last_failure_unix: number | null;
  streak: number;
  last_reason: string | null;
  next_attempt_unix: number | null;
  because: string | null;
}

export interface ConnectedPeer {
  addr: string;
  node_id: string;
  direction: "inbound" | "outbound";
  source: string | null;
  via: string | null;
  connected_at_unix: number;
  protocol_version: number;
  user_agent: string;
  latency_s: number | null;
}

export interface NodeInfo {
  node_id: string;
  version: string;
  network: string;
  advertised_p2p: string | null;
  offline_because: string | null;
}

export interface DebugView {
  connected_peers: ConnectedPeer[];
  node: NodeInfo | null;
}

export interface Introduction {
  addr: string;
  source: string;
  via: string | null;
  first_seen_unix: number | null;
}

export interface ReasonView {
  name: string;
  phase: string;
  kind: EventKind;
  blame: Blame;
  retry: string;
  meaning: string;
  usual_cause: string;
  next_step: string;
}

export interface DialResult {
  peer_addr: string;
  outcome: "connected" | "failed" | "skipped";
  reason: string | null;
  phase: string | null;
  detail: string | null;
  duration_s: number | null;
  node_id: string | null;
}
