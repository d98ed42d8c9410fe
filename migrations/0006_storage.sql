-- Versions go to the trash before they go for good, and their numbers are not given again.
ALTER TABLE media ADD COLUMN deleted_ms INTEGER;
ALTER TABLE media ADD COLUMN deleted_by INTEGER REFERENCES users (id) ON DELETE SET NULL;
CREATE INDEX media_deleted ON media (deleted_ms) WHERE deleted_ms IS NOT NULL;
CREATE INDEX media_by_deleter ON media (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE TABLE version_marks (
    feedback_id   INTEGER PRIMARY KEY REFERENCES feedbacks (id) ON DELETE CASCADE,
    last_version  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How much a project may take on the disk; without a row as much as there is.
CREATE TABLE quotas (
    project_id  INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    size_bytes  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Since when a feedback is closed, and when its films go to the trash if nobody opens it again.
ALTER TABLE feedbacks ADD COLUMN closed_ms INTEGER;
UPDATE feedbacks SET closed_ms = updated_ms WHERE status = 'closed';
CREATE INDEX feedbacks_closed ON feedbacks (closed_ms) WHERE closed_ms IS NOT NULL AND deleted_ms IS NULL;
CREATE INDEX feedbacks_deleted ON feedbacks (deleted_ms) WHERE deleted_ms IS NOT NULL;
CREATE TABLE cleanup_notices (
    feedback_id   INTEGER PRIMARY KEY REFERENCES feedbacks (id) ON DELETE CASCADE,
    announced_ms  INTEGER NOT NULL,
    due_ms        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cleanup_notices_due ON cleanup_notices (due_ms);
