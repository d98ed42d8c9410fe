INSERT INTO phases (project_id, phase, start_day, end_day, state, progress, assignee_id, after_phase, note, updated_ms)
VALUES (1, 'filming', '2026-11-28', '2026-11-28', 'planned', 0, 1, 'story_board', '예비일 11월 29일', 5);
INSERT INTO entries (id, project_id, user_id, kind, title, all_day, start_ms, end_ms, first_day, last_day, created_ms, updated_ms)
VALUES (1, 1, 1, 'filming', '실내 촬영', 1, 1795824000000, 1795824000000, '2026-11-28', '2026-11-28', 5, 5),
       (2, NULL, 2, 'personal', '휴가', 1, 1795824000000, 1795824000000, '2026-11-28', '2026-11-28', 5, 5);
INSERT INTO entry_people (entry_id, user_id) VALUES (1, 1);
INSERT INTO memos (project_id, day, text, user_id, updated_ms) VALUES (1, '2026-11-28', '우천 시 실내 스튜디오로 변경', 1, 5);
INSERT INTO calendar_feeds (user_id, token_hash, created_ms) VALUES (1, x'0c', 5);
INSERT INTO reminders (project_id, what, day, days) VALUES (1, 'deadline', '2026-11-28', 3);
