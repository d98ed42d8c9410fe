-- When a person was here last, and when before this visit: what is new since then is told on his dashboard.
CREATE TABLE visits (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    last_ms    INTEGER NOT NULL,
    before_ms  INTEGER
) STRICT;

-- Versions that are not ready are few, whatever is kept.
CREATE INDEX media_unready ON media (project_id, created_ms) WHERE state <> 'ready' AND deleted_ms IS NULL;

-- What was brought lately, and what was changed last, without a look at all the rest.
CREATE INDEX media_recent ON media (project_id, created_ms) WHERE deleted_ms IS NULL;
CREATE INDEX feedbacks_changed ON feedbacks (updated_ms DESC, id DESC) WHERE deleted_ms IS NULL;
