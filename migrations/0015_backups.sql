-- Backups of this instance, those that failed among them. What is in a place is told by the place itself: before each
-- backup these rows are brought into line with it. `verified` is what the last look at one has found, as JSON.
CREATE TABLE backups (
    id           TEXT    PRIMARY KEY,
    place        TEXT    NOT NULL,
    user_id      INTEGER REFERENCES users (id) ON DELETE SET NULL,
    state        TEXT    NOT NULL,
    taken_ms     INTEGER NOT NULL,
    finished_ms  INTEGER,
    seq          INTEGER NOT NULL DEFAULT 0,
    bytes        INTEGER NOT NULL DEFAULT 0,
    new_bytes    INTEGER NOT NULL DEFAULT 0,
    films        INTEGER NOT NULL DEFAULT 0,
    lost         INTEGER NOT NULL DEFAULT 0,
    encrypted    INTEGER NOT NULL DEFAULT 0,
    verified_ms  INTEGER,
    is_whole     INTEGER,
    verified     TEXT,
    error        TEXT
) STRICT;
CREATE INDEX backups_by_time ON backups (taken_ms, id);
CREATE INDEX backups_by_user ON backups (user_id) WHERE user_id IS NOT NULL;
