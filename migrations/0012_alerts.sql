-- A rule as an admin has set it; without a row it is as the program brings it along.
CREATE TABLE alert_rules (
    rule         TEXT    PRIMARY KEY,
    enabled      INTEGER NOT NULL,
    threshold    REAL    NOT NULL,
    for_s        INTEGER NOT NULL,
    cool_down_s  INTEGER NOT NULL,
    severity     TEXT    NOT NULL,
    updated_ms   INTEGER NOT NULL
) STRICT;

-- One time that a rule fired: `began_ms` when it became bad, `peak` its worst value. Threshold and severity as they were.
CREATE TABLE alerts (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    rule              TEXT    NOT NULL,
    severity          TEXT    NOT NULL,
    threshold         REAL    NOT NULL,
    began_ms          INTEGER NOT NULL,
    fired_ms          INTEGER NOT NULL,
    resolved_ms       INTEGER,
    peak              REAL    NOT NULL,
    acknowledged_by   INTEGER REFERENCES users (id) ON DELETE SET NULL,
    acknowledged_ms   INTEGER
) STRICT;
CREATE INDEX alerts_by_rule ON alerts (rule, id);
CREATE INDEX alerts_by_acknowledged_by ON alerts (acknowledged_by) WHERE acknowledged_by IS NOT NULL;
CREATE INDEX alerts_over ON alerts (resolved_ms) WHERE resolved_ms IS NOT NULL;

-- Where a rule stands, and what its receivers know: a restart goes on from here. `alert_id` is what they were told of last.
CREATE TABLE alert_states (
    rule         TEXT    PRIMARY KEY,
    phase        TEXT    NOT NULL,
    since_ms     INTEGER NOT NULL,
    calm_ms      INTEGER,
    known        INTEGER NOT NULL DEFAULT 0,
    told_ms      INTEGER,
    muted_ms     INTEGER,
    alert_id     INTEGER REFERENCES alerts (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX alert_states_by_alert ON alert_states (alert_id) WHERE alert_id IS NOT NULL;

-- Who is told: a URL (json, slack) or an address (mail). The secret of a URL is derived, as that of a webhook.
CREATE TABLE alert_targets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    name         TEXT    NOT NULL,
    form         TEXT    NOT NULL,
    place        TEXT    NOT NULL,
    lang         TEXT    NOT NULL,
    severity     TEXT    NOT NULL,
    enabled      INTEGER NOT NULL DEFAULT 1,
    generation   INTEGER NOT NULL DEFAULT 1,
    rotated_ms   INTEGER,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_targets_by_user ON alert_targets (user_id);

-- One telling of one target; of no alert, it is a test. `log` holds its last tries.
CREATE TABLE alert_tellings (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    target_id    INTEGER NOT NULL REFERENCES alert_targets (id) ON DELETE CASCADE,
    alert_id     INTEGER REFERENCES alerts (id) ON DELETE CASCADE,
    tell         TEXT    NOT NULL,
    value        REAL,
    state        TEXT    NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    log          TEXT    NOT NULL DEFAULT '[]',
    created_ms   INTEGER NOT NULL,
    ended_ms     INTEGER
) STRICT;
CREATE INDEX alert_tellings_by_target ON alert_tellings (target_id, id);
CREATE INDEX alert_tellings_by_alert ON alert_tellings (alert_id, target_id, id) WHERE alert_id IS NOT NULL;
CREATE INDEX alert_tellings_waiting ON alert_tellings (id) WHERE state = 'waiting';

-- What failed lately, without a look at all that failed ever.
CREATE INDEX jobs_lost ON jobs (finished_ms) WHERE state IN ('failed', 'dead');
CREATE INDEX mails_tried ON mails (tried_ms) WHERE state IN ('waiting', 'failed') AND tried_ms IS NOT NULL;
