UPDATE sessions SET agent = 'Mozilla/5.0', confirmed_ms = created_ms;
INSERT INTO events (at_ms, project_id, actor_id, subject, subject_id, verb, body)
VALUES (9, 1, 1, 'project', 1, 'project_transferred', '{"verb":"project_transferred","project":1,"user":2,"was":1}');
