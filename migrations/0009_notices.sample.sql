INSERT INTO mails (id, user_id, address, kind, lang, subject, state, created_ms, sent_ms)
VALUES (1, 1, 'a@example.com', 'notice', 'ko', '제목', 'sent', 5, 6);
INSERT INTO notices (id, user_id, kind, seq, project_id, facts, app, mail, mail_id, created_ms)
VALUES (1, 1, 'comment_added', 1, 1, '{}', 1, 'hourly', 1, 5);
INSERT INTO notice_events (seq, user_id, kind) VALUES (1, 1, 'comment_added');
INSERT INTO notice_wishes (user_id, kind, app, mail) VALUES (1, 'mention', 1, 'now');
INSERT INTO notice_people (user_id, quiet_from, quiet_to, zone, all_comments) VALUES (1, '22:00', '08:00', 'Asia/Seoul', 0);
