CREATE TABLE finding (
  id             INTEGER PRIMARY KEY,
  run            INTEGER NOT NULL,
  code           TEXT NOT NULL,
  began_unix     REAL NOT NULL,
  ended_unix     REAL,                    -- NULL: it stands
  ended_by       TEXT,                    -- cleared, stopped, crashed
  worst_severity TEXT NOT NULL,
  finding        TEXT NOT NULL            -- JSON, as it was when it last changed
) STRICT;

CREATE INDEX finding_by_beginning ON finding (began_unix);
CREATE INDEX finding_that_stands  ON finding (id) WHERE ended_unix IS NULL;
