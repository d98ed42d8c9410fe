INSERT INTO schedules (name, cron, time_zone, missed, next_ms, last_ms, last_job_id, updated_ms)
VALUES ('clean_up', '5 * * * *', 'Asia/Seoul', 'run', 9, 5, 1, 1);
INSERT INTO metrics_history (step_ms, at_ms, body) VALUES (60000, 60000, '{"requests":3}'), (3600000, 0, '{"requests":90}');
