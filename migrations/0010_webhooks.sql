-- Where other programs are told: of a project, or of the whole instance (no project). The secret is derived from the
-- instance's key, the id and the generation, and stands nowhere. It hears what comes after `since_seq`.
CREATE TABLE webhooks (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id        INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    user_id           INTEGER NOT NULL REFERENCES users (id),
    name              TEXT    NOT NULL,
    url               TEXT    NOT NULL,
    form              TEXT    NOT NULL,
    verbs             TEXT    NOT NULL,
    enabled           INTEGER NOT NULL DEFAULT 1,
    include_internal  INTEGER NOT NULL DEFAULT 0,
    generation        INTEGER NOT NULL DEFAULT 1,
    rotated_ms        INTEGER,
    since_seq         INTEGER NOT NULL,
    last_success_ms   INTEGER,
    last_failure_ms   INTEGER,
    failing_since_ms  INTEGER,
    disabled_reason   TEXT,
    created_ms        INTEGER NOT NULL,
    updated_ms        INTEGER NOT NULL,
    rev               INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX webhooks_by_project ON webhooks (project_id, id);
CREATE INDEX webhooks_by_user ON webhooks (user_id);
CREATE INDEX webhooks_failing ON webhooks (failing_since_ms) WHERE failing_since_ms IS NOT NULL;

-- One telling: of the event at `seq`, or of none (a test). A copy was asked for by a person. `log` holds its last tries.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    seq         INTEGER,
    verb        TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    copy        INTEGER NOT NULL DEFAULT 0,
    state       TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    log         TEXT    NOT NULL DEFAULT '[]',
    created_ms  INTEGER NOT NULL,
    next_ms     INTEGER,
    ended_ms    INTEGER
) STRICT;
CREATE UNIQUE INDEX deliveries_once ON deliveries (webhook_id, seq) WHERE copy = 0 AND seq IS NOT NULL;
CREATE INDEX deliveries_feed ON deliveries (webhook_id, created_ms, id);
CREATE INDEX deliveries_by_age ON deliveries (created_ms, id);
CREATE INDEX deliveries_waiting ON deliveries (id) WHERE state = 'waiting';

-- Up to where the journal was followed; one row. What lies behind at first was told to nobody.
CREATE TABLE webhook_cursor (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL
) STRICT;
INSERT INTO webhook_cursor (id, seq) SELECT 1, coalesce(max(seq), 0) FROM events;
