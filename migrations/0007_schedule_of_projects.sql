-- The phases of projects: a row once something of one is set; without a row it is empty.
-- No row goes before its project, so the revisions of a project's rows only grow.
CREATE TABLE phases (
    project_id   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    phase        TEXT    NOT NULL,
    start_day    TEXT,
    end_day      TEXT,
    state        TEXT    NOT NULL,
    progress     INTEGER NOT NULL,
    assignee_id  INTEGER REFERENCES users (id) ON DELETE SET NULL,
    after_phase  TEXT,
    note         TEXT    NOT NULL DEFAULT '',
    rev          INTEGER NOT NULL DEFAULT 1,
    updated_ms   INTEGER NOT NULL,
    PRIMARY KEY (project_id, phase)
) STRICT, WITHOUT ROWID;
CREATE INDEX phases_by_assignee ON phases (assignee_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX phases_filming ON phases (assignee_id, start_day, end_day)
    WHERE phase = 'filming' AND assignee_id IS NOT NULL;
CREATE INDEX phases_unfinished ON phases (end_day) WHERE end_day IS NOT NULL AND state <> 'done';

-- What else stands in the calendar. Without a project it is there for its author and its people alone.
-- first_day and last_day are its days in the studio's zone.
CREATE TABLE entries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    note        TEXT    NOT NULL DEFAULT '',
    place       TEXT    NOT NULL DEFAULT '',
    all_day     INTEGER NOT NULL,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    first_day   TEXT    NOT NULL,
    last_day    TEXT    NOT NULL,
    rev         INTEGER NOT NULL DEFAULT 1,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_by_project ON entries (project_id, last_day) WHERE project_id IS NOT NULL;
CREATE INDEX entries_by_author ON entries (user_id, last_day);
CREATE INDEX entries_filming ON entries (last_day) WHERE kind = 'filming';
CREATE INDEX entries_due ON entries (last_day) WHERE kind = 'deadline';
CREATE TABLE entry_people (
    entry_id  INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (entry_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_people_by_user ON entry_people (user_id, entry_id);

CREATE TABLE memos (
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    day         TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    user_id     INTEGER REFERENCES users (id) ON DELETE SET NULL,
    updated_ms  INTEGER NOT NULL,
    PRIMARY KEY (project_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX memos_by_user ON memos (user_id) WHERE user_id IS NOT NULL;

-- The secret link under which another program reads a person's calendar.
CREATE TABLE calendar_feeds (
    user_id     INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash  BLOB    NOT NULL UNIQUE,
    created_ms  INTEGER NOT NULL,
    read_ms     INTEGER
) STRICT, WITHOUT ROWID;

-- What was reminded of, so that nobody is twice. what: deadline, phase:<name>, entry:<id>.
CREATE TABLE reminders (
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    what        TEXT    NOT NULL,
    day         TEXT    NOT NULL,
    days        INTEGER NOT NULL,
    PRIMARY KEY (project_id, what, day, days)
) STRICT, WITHOUT ROWID;
