-- One row for each start of the program: seq and dial_id of its events count anew.
CREATE TABLE run (
  id           INTEGER PRIMARY KEY,
  started_unix REAL NOT NULL,
  seen_unix    REAL NOT NULL,             -- when it was last known to run
  stopped_unix REAL,                      -- NULL: it runs, or ended without a word
  version      TEXT NOT NULL
) STRICT;

CREATE TABLE event (
  id         INTEGER PRIMARY KEY,
  run        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,            -- gapless in a run; a number that is missing was lost
  at_unix    REAL NOT NULL,
  kind       TEXT NOT NULL,               -- started, succeeded, failure, cancelled, skip, disconnect
  source     TEXT NOT NULL,
  phase      TEXT,
  reason     TEXT,
  blame      TEXT,
  addr       TEXT NOT NULL,
  via        TEXT,
  dial_id    INTEGER,
  duration_s REAL,
  detail     TEXT,
  node_id    TEXT,
  penalised  INTEGER NOT NULL,
  more       TEXT                         -- JSON: attempts, evidence, phases_s; NULL where all are empty
) STRICT;

CREATE INDEX event_by_time   ON event (at_unix);
CREATE INDEX event_by_addr   ON event (addr, at_unix);
CREATE INDEX event_by_reason ON event (reason, at_unix) WHERE reason IS NOT NULL;
CREATE INDEX event_by_via    ON event (via, at_unix) WHERE via IS NOT NULL;

-- How many events of each sort every minute saw: what charts are made of. Changed in the transactions that change event.
CREATE TABLE minute (
  minute INTEGER NOT NULL,                -- Unix seconds of its beginning
  kind   TEXT NOT NULL,
  source TEXT NOT NULL,
  phase  TEXT NOT NULL,                   -- '' where an event has none, as for reason
  reason TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (minute, kind, source, phase, reason)
) STRICT, WITHOUT ROWID;

-- The same by hour: a month of minutes is more than a chart wants to wait for.
CREATE TABLE hour (
  hour   INTEGER NOT NULL,                -- Unix seconds of its beginning
  kind   TEXT NOT NULL,
  source TEXT NOT NULL,
  phase  TEXT NOT NULL,
  reason TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (hour, kind, source, phase, reason)
) STRICT, WITHOUT ROWID;

-- Events before it are on their way out and not shown, so that the tables above agree at every moment.
CREATE TABLE horizon (
  at_unix REAL NOT NULL
) STRICT;
INSERT INTO horizon VALUES (0);
