INSERT INTO visits (user_id, last_ms, before_ms) VALUES (1, 9, 3), (2, 5, NULL);
