-- Each run of a program has a random name, the same on every machine: with seq it names an event for ever.
ALTER TABLE run ADD COLUMN identity TEXT NOT NULL DEFAULT '';     -- 32 lower-case hex digits

-- The newest of its events that was deleted because of age or size: what is missing up to there was not lost.
ALTER TABLE run ADD COLUMN expired_seq INTEGER NOT NULL DEFAULT 0;

CREATE INDEX event_in_run ON event (run, seq);

-- An older nocarrier may have deleted the row of a run before the last of its events.
INSERT INTO run (id, started_unix, seen_unix, version)
SELECT run, min(at_unix), max(at_unix), '' FROM event WHERE run NOT IN (SELECT id FROM run) GROUP BY run;

UPDATE run SET identity = lower(hex(randomblob(16)));
UPDATE run SET expired_seq = coalesce((SELECT min(seq) FROM event WHERE event.run = run.id), 1) - 1
WHERE started_unix - 60 < (SELECT at_unix FROM horizon);          -- the first events may be older than the run's row

CREATE UNIQUE INDEX run_by_identity ON run (identity);
