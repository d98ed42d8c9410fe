-- What is done again and again, as an admin has set it. What nobody has edited follows the program's own table.
CREATE TABLE schedules (
    name         TEXT PRIMARY KEY,
    cron         TEXT    NOT NULL,
    time_zone    TEXT    NOT NULL,
    missed       TEXT    NOT NULL,
    paused       INTEGER NOT NULL DEFAULT 0,
    edited       INTEGER NOT NULL DEFAULT 0,
    next_ms      INTEGER,
    last_ms      INTEGER,
    last_job_id  INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    updated_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX schedules_by_job ON schedules (last_job_id) WHERE last_job_id IS NOT NULL;

-- What the program counted about itself: a row a minute for a week, a row an hour for a year.
CREATE TABLE metrics_history (
    step_ms  INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (step_ms, at_ms)
) STRICT, WITHOUT ROWID;
