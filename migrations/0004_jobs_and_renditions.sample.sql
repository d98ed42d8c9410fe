INSERT INTO jobs (id, kind, payload, lane, state, max_attempts, run_at_ms, rank_ms, created_ms)
VALUES (2, 'probe_media', '{"kind":"probe_media","media":1}', 'light', 'failed', 3, 1, 1, 1);
INSERT INTO job_needs (job_id, needs_id, weight) VALUES (1, 2, 1);
INSERT INTO lanes (lane, places, paused, updated_ms) VALUES ('media', 2, 1, 1);
INSERT INTO renditions (hash, name, kind, size_bytes, recipe, made_ms) VALUES ('ab', 'proxy.mp4', 'proxy', 2, 'link', 1);
