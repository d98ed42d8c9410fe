INSERT INTO access_log (hour_ms, user_id, project_id, hits) VALUES (3600000, 1, 1, 12), (3600000, 1, 0, 3);
