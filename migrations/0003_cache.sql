-- Who asked for what in the last day: by whom the cache is warmed after a start. Counts by the hour, sampled, pruned.
CREATE TABLE access_log (
    hour_ms     INTEGER NOT NULL,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id  INTEGER NOT NULL,
    hits        INTEGER NOT NULL,
    PRIMARY KEY (hour_ms, user_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_log_by_user ON access_log (user_id);

-- The last rename is looked for at each start.
CREATE INDEX events_renames ON events (seq) WHERE verb = 'user_changed';

-- What cached answers depend on is told by the last event of a feedback, and by the last one of a project that is no
-- comment and no film. Events from before have no feedback here: theirs is taken for changed at each start.
ALTER TABLE events ADD COLUMN feedback_id INTEGER;
CREATE INDEX events_of_feedback ON events (feedback_id, seq) WHERE feedback_id IS NOT NULL;
CREATE INDEX events_of_frame ON events (project_id, seq) WHERE subject IN ('project', 'feedback');
