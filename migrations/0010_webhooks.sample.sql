INSERT INTO webhooks (id, project_id, user_id, name, url, form, verbs, since_seq, created_ms, updated_ms)
VALUES (1, 1, 1, 'chat', 'https://hooks.example.com/a', 'json', '["comments"]', 1, 5, 5);
INSERT INTO deliveries (id, webhook_id, seq, verb, at_ms, state, attempts, log, created_ms, ended_ms)
VALUES (1, 1, 2, 'comment_added', 5, 'done', 1, '[]', 5, 6);
UPDATE webhook_cursor SET seq = 2 WHERE id = 1;
