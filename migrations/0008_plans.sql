-- Plans: a story in four stages and twelve shots, its versions, its pictures; and what the generator remembers.

CREATE TABLE plans (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id     INTEGER NOT NULL REFERENCES users (id),
    title       TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    inputs      TEXT    NOT NULL,
    story       TEXT    NOT NULL,
    notice      TEXT,
    -- All that a search finds it by, a line each.
    words       TEXT    NOT NULL DEFAULT '',
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    deleted_ms  INTEGER,
    rev         INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX plans_by_project ON plans (project_id, created_ms, id);
CREATE INDEX plans_by_user ON plans (user_id);
CREATE INDEX plans_deleted ON plans (deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The plan as it stood after a change. The last one is the plan itself.
CREATE TABLE plan_versions (
    plan_id     INTEGER NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    user_id     INTEGER REFERENCES users (id) ON DELETE SET NULL,
    reason      TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    inputs      TEXT    NOT NULL,
    story       TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (plan_id, version)
) STRICT;
CREATE INDEX plan_versions_by_user ON plan_versions (user_id) WHERE user_id IS NOT NULL;

-- Sketches and copied key frames of a plan, by their content. Its story and its versions name them.
CREATE TABLE plan_pictures (
    plan_id       INTEGER NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    hash          TEXT    NOT NULL,
    content_type  TEXT    NOT NULL,
    bytes         BLOB    NOT NULL,
    created_ms    INTEGER NOT NULL,
    PRIMARY KEY (plan_id, hash)
) STRICT;

-- Drafts by what they were asked for.
CREATE TABLE storyboard_cache (
    key         TEXT    PRIMARY KEY,
    story       TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX storyboard_cache_by_age ON storyboard_cache (created_ms);

-- What a model has taken, a calendar month (YYYY-MM) each.
CREATE TABLE model_spend (
    month   TEXT    PRIMARY KEY,
    tokens  INTEGER NOT NULL,
    images  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The feedback under which a plan is discussed.
ALTER TABLE feedbacks ADD COLUMN plan_id INTEGER REFERENCES plans (id) ON DELETE SET NULL;
CREATE INDEX feedbacks_by_plan ON feedbacks (plan_id) WHERE plan_id IS NOT NULL;
