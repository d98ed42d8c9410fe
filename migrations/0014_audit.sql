-- When the password of a sign-in was typed last: what destroys or reaches far asks for it again after a while.
ALTER TABLE sessions ADD COLUMN confirmed_ms INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET confirmed_ms = created_ms WHERE kind = 'session';

-- The browser as it names itself, so that a person's devices can be told apart.
ALTER TABLE sessions ADD COLUMN agent TEXT;

-- The audit reads few kinds of events, newest first, among very many others.
CREATE INDEX events_audit ON events (seq)
    WHERE subject NOT IN ('comment', 'feedback', 'media', 'plan', 'entry');
