INSERT INTO alert_rules (rule, enabled, threshold, for_s, cool_down_s, severity, updated_ms) VALUES ('p95', 1, 150, 60, 900, 'critical', 5);
INSERT INTO alerts (id, rule, severity, threshold, began_ms, fired_ms, resolved_ms, peak, acknowledged_by, acknowledged_ms)
VALUES (1, 'p95', 'critical', 150, 5, 6, NULL, 812.5, 1, 7), (2, 'disk_bytes', 'critical', 3, 5, 6, 9, 1.2, NULL, NULL);
INSERT INTO alert_states (rule, phase, since_ms, calm_ms, known, told_ms, muted_ms, alert_id) VALUES ('p95', 'firing', 5, NULL, 1, 6, 99, 1);
INSERT INTO alert_targets (id, user_id, name, form, place, lang, severity, created_ms, updated_ms)
VALUES (1, 1, 'chat', 'slack', 'http://192.168.0.9/hook', 'ko', 'warning', 5, 5), (2, 1, 'mail', 'mail', 'a@example.com', 'en', 'critical', 5, 5);
INSERT INTO alert_tellings (id, target_id, alert_id, tell, value, state, attempts, log, created_ms, ended_ms)
VALUES (1, 1, 1, 'fired', 812.5, 'done', 1, '[]', 6, 7), (2, 2, NULL, 'test', NULL, 'failed', 1, '[]', 6, 7);
