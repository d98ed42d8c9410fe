-- What people are told, in the program and by mail; how they want it; what went out.
-- A notice holds ids, not words: it is read with the rows as they stand, so that a withdrawn right or an author who turned
-- anonymous holds for the past as well.

-- How far the journal has been told. It begins at its end: nobody is told of what was long ago.
CREATE TABLE notice_cursor (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL
) STRICT;
INSERT INTO notice_cursor (id, seq) SELECT 1, coalesce(max(seq), 0) FROM events;

CREATE TABLE notices (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind           TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    project_id     INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    other_id       INTEGER,
    feedback_id    INTEGER,
    plan_id        INTEGER,
    comment_id     INTEGER,
    media_id       INTEGER,
    entry_id       INTEGER,
    invitation_id  INTEGER,
    actor_id       INTEGER,
    whom_id        INTEGER,
    facts          TEXT    NOT NULL,
    count          INTEGER NOT NULL DEFAULT 1,
    app            INTEGER NOT NULL,
    mail           TEXT    NOT NULL,
    mail_due_ms    INTEGER,
    mail_id        INTEGER REFERENCES mails (id) ON DELETE SET NULL,
    created_ms     INTEGER NOT NULL,
    read_ms        INTEGER
) STRICT;
CREATE INDEX notices_feed ON notices (user_id, created_ms DESC, id DESC) WHERE app = 1;
CREATE INDEX notices_unread ON notices (user_id, kind) WHERE read_ms IS NULL;
CREATE INDEX notices_to_mail ON notices (mail_due_ms, user_id) WHERE mail_due_ms IS NOT NULL;
CREATE INDEX notices_by_mail ON notices (mail_id) WHERE mail_id IS NOT NULL;
CREATE INDEX notices_by_project ON notices (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX notices_by_user ON notices (user_id);
CREATE INDEX notices_by_age ON notices (created_ms);

-- Each event is told to each person once, also when several are told in one notice.
CREATE TABLE notice_events (
    seq      INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    PRIMARY KEY (seq, user_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_wishes (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL,
    app      INTEGER NOT NULL,
    mail     TEXT    NOT NULL,
    PRIMARY KEY (user_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_people (
    user_id       INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    quiet_from    TEXT,
    quiet_to      TEXT,
    zone          TEXT,
    all_comments  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE mails (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id        INTEGER REFERENCES users (id) ON DELETE CASCADE,
    address        TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    lang           TEXT    NOT NULL,
    invitation_id  INTEGER REFERENCES invitations (id) ON DELETE CASCADE,
    subject        TEXT    NOT NULL DEFAULT '',
    state          TEXT    NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    created_ms     INTEGER NOT NULL,
    tried_ms       INTEGER,
    sent_ms        INTEGER
) STRICT;
CREATE INDEX mails_by_state ON mails (state, id);
CREATE INDEX mails_by_user ON mails (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX mails_by_invitation ON mails (invitation_id) WHERE invitation_id IS NOT NULL;

-- The key of an invitation's link is made from this and the instance's own key: the mail that carries it can be written
-- again after a crash, and nobody reads it in a row.
ALTER TABLE invitations ADD COLUMN seed BLOB;
