-- The foundation: people, projects, feedbacks, media, comments, the journal and the queue.
-- Times are milliseconds UTC, flags 0/1, JSON stands as text and is decoded in Rust.

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms       INTEGER NOT NULL,
    project_id  INTEGER,
    actor_id    INTEGER,
    subject     TEXT    NOT NULL,
    subject_id  INTEGER NOT NULL,
    verb        TEXT    NOT NULL,
    body        TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_project ON events (project_id, seq) WHERE project_id IS NOT NULL;
CREATE INDEX events_by_subject ON events (subject, subject_id, seq);

CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    lane          TEXT    NOT NULL,
    priority      INTEGER NOT NULL DEFAULT 0,
    state         TEXT    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    max_attempts  INTEGER NOT NULL,
    run_at_ms     INTEGER NOT NULL,
    lease_ms      INTEGER,
    dedup_key     TEXT,
    project_id    INTEGER,
    user_id       INTEGER,
    progress      TEXT,
    result        TEXT,
    error         TEXT,
    stderr        TEXT,
    created_ms    INTEGER NOT NULL,
    started_ms    INTEGER,
    finished_ms   INTEGER
) STRICT;
CREATE INDEX jobs_to_claim ON jobs (lane, priority DESC, run_at_ms, id) WHERE state IN ('ready', 'retry');
CREATE INDEX jobs_running ON jobs (lease_ms) WHERE state = 'running';
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE UNIQUE INDEX jobs_dedup ON jobs (dedup_key) WHERE state IN ('ready', 'retry', 'running');

CREATE TABLE settings (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    email          TEXT    NOT NULL UNIQUE,
    nickname       TEXT    NOT NULL,
    password_hash  TEXT,
    site_role      TEXT    NOT NULL,
    locale         TEXT    NOT NULL,
    locked         INTEGER NOT NULL DEFAULT 0,
    failures       INTEGER NOT NULL DEFAULT 0,
    shut_until_ms  INTEGER NOT NULL DEFAULT 0,
    reset_asked_ms INTEGER,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    rev            INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Sign-ins of browsers and tokens of programs: one table, so that both are revoked in one place.
CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    token_hash  BLOB    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    ip          TEXT,
    created_ms  INTEGER NOT NULL,
    used_ms     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

CREATE TABLE reset_codes (
    user_id     INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code_hash   BLOB    NOT NULL,
    failures    INTEGER NOT NULL DEFAULT 0,
    expires_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key         TEXT    NOT NULL,
    request     BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    headers     TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_ms);

CREATE TABLE projects (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id      INTEGER NOT NULL REFERENCES users (id),
    name          TEXT    NOT NULL,
    description   TEXT    NOT NULL DEFAULT '',
    manager_name  TEXT    NOT NULL DEFAULT '',
    client        TEXT    NOT NULL DEFAULT '',
    color         TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    genre         TEXT    NOT NULL DEFAULT '',
    tone          TEXT    NOT NULL DEFAULT '',
    concept       TEXT    NOT NULL DEFAULT '',
    deadline_ms   INTEGER,
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    deleted_ms    INTEGER,
    rev           INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX projects_by_owner ON projects (owner_id);
CREATE INDEX projects_by_status ON projects (status, id) WHERE deleted_ms IS NULL;
CREATE INDEX projects_deleted ON projects (deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The owner has a row as well, so that a right is one look-up.
CREATE TABLE members (
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id, project_id);

CREATE TABLE invitations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    inviter_id   INTEGER NOT NULL REFERENCES users (id),
    email        TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    token_hash   BLOB    NOT NULL UNIQUE,
    sent_ms      INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    accepted_by  INTEGER REFERENCES users (id)
) STRICT;
CREATE UNIQUE INDEX invitations_pending ON invitations (project_id, email) WHERE status = 'pending';
CREATE INDEX invitations_by_project ON invitations (project_id, id);
CREATE INDEX invitations_by_inviter ON invitations (inviter_id);
CREATE INDEX invitations_by_accepted ON invitations (accepted_by) WHERE accepted_by IS NOT NULL;

CREATE TABLE feedbacks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    title        TEXT    NOT NULL,
    description  TEXT    NOT NULL DEFAULT '',
    status       TEXT    NOT NULL,
    priority     TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    resolved_ms  INTEGER,
    deleted_ms   INTEGER,
    rev          INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX feedbacks_feed ON feedbacks (project_id, created_ms DESC, id DESC) WHERE deleted_ms IS NULL;
CREATE INDEX feedbacks_by_status ON feedbacks (project_id, status, created_ms DESC, id DESC) WHERE deleted_ms IS NULL;
CREATE INDEX feedbacks_open ON feedbacks (project_id, created_ms DESC) WHERE status = 'open' AND deleted_ms IS NULL;
CREATE INDEX feedbacks_by_user ON feedbacks (user_id);

CREATE TABLE decisions (
    feedback_id  INTEGER NOT NULL REFERENCES feedbacks (id) ON DELETE CASCADE,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    decision     TEXT    NOT NULL,
    note         TEXT    NOT NULL DEFAULT '',
    updated_ms   INTEGER NOT NULL,
    PRIMARY KEY (feedback_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_user ON decisions (user_id);

CREATE TABLE media (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    feedback_id   INTEGER NOT NULL REFERENCES feedbacks (id) ON DELETE CASCADE,
    project_id    INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id       INTEGER NOT NULL REFERENCES users (id),
    version       INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    hash          TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    content_type  TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    playable      INTEGER NOT NULL DEFAULT 0,
    facts         TEXT,
    renditions    TEXT    NOT NULL DEFAULT '[]',
    error_code    TEXT,
    job_id        INTEGER REFERENCES jobs (id) ON DELETE SET NULL,
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    rev           INTEGER NOT NULL DEFAULT 1,
    UNIQUE (feedback_id, version)
) STRICT;
CREATE INDEX media_by_project ON media (project_id);
CREATE INDEX media_by_hash ON media (hash);
CREATE INDEX media_by_user ON media (user_id);
CREATE INDEX media_by_job ON media (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE uploads (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    feedback_id   INTEGER NOT NULL REFERENCES feedbacks (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    content_type  TEXT    NOT NULL,
    metadata      TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    offset_bytes  INTEGER NOT NULL DEFAULT 0,
    media_id      INTEGER REFERENCES media (id) ON DELETE SET NULL,
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_user ON uploads (user_id);
CREATE INDEX uploads_by_feedback ON uploads (feedback_id);
CREATE INDEX uploads_by_media ON uploads (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX uploads_by_expiry ON uploads (expires_ms);

CREATE TABLE comments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    feedback_id  INTEGER NOT NULL REFERENCES feedbacks (id) ON DELETE CASCADE,
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    parent_id    INTEGER REFERENCES comments (id) ON DELETE CASCADE,
    media_id     INTEGER REFERENCES media (id) ON DELETE SET NULL,
    title        TEXT    NOT NULL DEFAULT '',
    text         TEXT    NOT NULL,
    section      TEXT    NOT NULL DEFAULT '',
    start_ms     INTEGER,
    end_ms       INTEGER,
    frame        INTEGER,
    security     INTEGER NOT NULL DEFAULT 0,
    internal     INTEGER NOT NULL DEFAULT 0,
    drawing      TEXT,
    client_id    TEXT,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    resolved_ms  INTEGER,
    resolved_by  INTEGER REFERENCES users (id),
    deleted_ms   INTEGER,
    rev          INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX comments_feed ON comments (feedback_id, created_ms DESC, id DESC) WHERE deleted_ms IS NULL;
CREATE INDEX comments_of_project ON comments (project_id, created_ms DESC, id DESC) WHERE deleted_ms IS NULL;
CREATE UNIQUE INDEX comments_client ON comments (user_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX comments_by_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX comments_by_media ON comments (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX comments_by_resolver ON comments (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX comments_unresolved ON comments (feedback_id) WHERE resolved_ms IS NULL AND deleted_ms IS NULL;

CREATE TABLE reactions (
    comment_id  INTEGER NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (comment_id, user_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX reactions_by_user ON reactions (user_id);
