-- What rows from elsewhere bring along, so that an export gives it back: the name in the older product, the moment that
-- a feedback is about, and the number of a membership. (Here a membership is known by its project and person.)
ALTER TABLE users ADD COLUMN username TEXT;
ALTER TABLE feedbacks ADD COLUMN timecode_ms INTEGER;
ALTER TABLE members ADD COLUMN number INTEGER;
CREATE UNIQUE INDEX members_by_number ON members (number) WHERE number IS NOT NULL;
