-- Jobs that wait for others, that are ended from outside and that crash; lanes that are steered while the program runs.
-- A place in the queue is one number: when the job came, moved ahead by a minute for each point of priority.
ALTER TABLE jobs ADD COLUMN rank_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN cancel_ms INTEGER;
UPDATE jobs SET rank_ms = created_ms - priority * 60000;
DROP INDEX jobs_to_claim;
CREATE INDEX jobs_to_claim ON jobs (lane, rank_ms, id) WHERE state IN ('ready', 'retry');
DROP INDEX jobs_dedup;
CREATE UNIQUE INDEX jobs_dedup ON jobs (dedup_key) WHERE state IN ('waiting', 'ready', 'retry', 'running');
CREATE INDEX jobs_by_error ON jobs (kind, error) WHERE state IN ('failed', 'dead');

-- A job that waits, and what it waits for. The weight is the share in its progress.
CREATE TABLE job_needs (
    job_id    INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    needs_id  INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    weight    INTEGER NOT NULL,
    PRIMARY KEY (job_id, needs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_needs_by_needs ON job_needs (needs_id);

-- What was changed of a lane; without a row it is as the settings say.
CREATE TABLE lanes (
    lane        TEXT PRIMARY KEY,
    places      INTEGER,
    paused      INTEGER NOT NULL DEFAULT 0,
    updated_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The originals on the disk, by their hash, and what was made of each: all versions with the same bytes share them.
CREATE TABLE originals (
    hash        TEXT PRIMARY KEY,
    size_bytes  INTEGER NOT NULL,
    watched_ms  INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX originals_by_watched ON originals (watched_ms);
CREATE TABLE renditions (
    hash        TEXT    NOT NULL REFERENCES originals (hash) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    size_bytes  INTEGER NOT NULL,
    recipe      TEXT    NOT NULL,
    made_ms     INTEGER NOT NULL,
    PRIMARY KEY (hash, name)
) STRICT, WITHOUT ROWID;

-- Bytes on the disk by project and kind; project 0 is the instance, where each file counts once. Kept in the change
-- that moves them, checked against the rows and the disk by a scan.
CREATE TABLE usage (
    project_id  INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    files       INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    PRIMARY KEY (project_id, kind)
) STRICT, WITHOUT ROWID;

INSERT INTO originals (hash, size_bytes, watched_ms, created_ms)
SELECT hash, max(size_bytes), max(created_ms), min(created_ms) FROM media GROUP BY hash;
-- Their sizes are not known here: the recipe is empty until a scan has looked.
INSERT INTO renditions (hash, name, kind, size_bytes, recipe, made_ms)
SELECT DISTINCT m.hash, CASE WHEN j.value LIKE 'thumbs/%' THEN 'thumbs/' ELSE j.value END,
    CASE WHEN j.value = 'proxy.mp4' THEN 'proxy' ELSE 'pictures' END, 0, '', 0
FROM media m, json_each(m.renditions) j;
INSERT INTO usage (project_id, kind, files, size_bytes)
SELECT project_id, 'original', count(*), sum(size_bytes)
FROM (SELECT DISTINCT m.project_id, m.hash, o.size_bytes FROM media m JOIN originals o ON o.hash = m.hash)
GROUP BY project_id;
INSERT INTO usage (project_id, kind, files, size_bytes)
SELECT project_id, kind, count(*), 0
FROM (SELECT DISTINCT m.project_id, r.hash, r.name, r.kind FROM media m JOIN renditions r ON r.hash = m.hash)
GROUP BY project_id, kind;
INSERT INTO usage (project_id, kind, files, size_bytes)
SELECT 0, 'original', count(*), sum(size_bytes) FROM originals HAVING count(*) > 0;
INSERT INTO usage (project_id, kind, files, size_bytes)
SELECT 0, kind, count(*), 0 FROM renditions GROUP BY kind;
ALTER TABLE media DROP COLUMN renditions;
