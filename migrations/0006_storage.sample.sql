UPDATE media SET deleted_ms = 5, deleted_by = 1 WHERE id = 1;
INSERT INTO version_marks (feedback_id, last_version) VALUES (1, 4);
INSERT INTO quotas (project_id, size_bytes, updated_ms) VALUES (1, 1000000, 5);
UPDATE feedbacks SET status = 'closed', closed_ms = 5 WHERE id = 1;
INSERT INTO cleanup_notices (feedback_id, announced_ms, due_ms) VALUES (1, 6, 9);
