-- Sample rows: at least one of every table, so that later migrations are tried on a database that is not empty.
INSERT INTO users (id, email, nickname, password_hash, site_role, locale, created_ms, updated_ms)
VALUES (1, 'owner@example.com', 'owner', 'x', 'admin', 'ko', 1, 1), (2, 'reviewer@example.com', 'reviewer', NULL, 'member', 'en', 2, 2);
INSERT INTO sessions (user_id, kind, token_hash, name, scopes, created_ms, used_ms, expires_ms)
VALUES (1, 'session', x'01', '', 'read write', 1, 1, 9), (2, 'token', x'02', 'script', 'read', 1, 1, 9);
INSERT INTO reset_codes (user_id, code_hash, expires_ms) VALUES (2, x'03', 9);
INSERT INTO idempotency (user_id, key, request, status, headers, body, created_ms) VALUES (1, 'k', x'04', 201, '[]', x'7b7d', 1);
INSERT INTO projects (id, owner_id, name, color, status, created_ms, updated_ms, deleted_ms)
VALUES (1, 1, '가을 광고', '#1631f8', 'review', 1, 1, NULL), (2, 1, '지난 광고', '#1631f8', 'archived', 1, 1, 5);
INSERT INTO members (project_id, user_id, role, created_ms) VALUES (1, 1, 'owner', 1), (1, 2, 'reviewer', 1), (2, 1, 'owner', 1);
INSERT INTO invitations (project_id, inviter_id, email, role, status, token_hash, sent_ms, expires_ms, created_ms)
VALUES (1, 1, 'new@example.com', 'viewer', 'pending', x'05', 1, 9, 1);
INSERT INTO feedbacks (id, project_id, user_id, title, status, priority, created_ms, updated_ms)
VALUES (1, 1, 1, '시사본 v1', 'open', 'high', 1, 1);
INSERT INTO decisions (feedback_id, user_id, decision, updated_ms) VALUES (1, 2, 'request_changes', 2);
INSERT INTO jobs (id, kind, payload, lane, state, max_attempts, run_at_ms, created_ms)
VALUES (1, 'process_media', '{"kind":"process_media","media":1}', 'media', 'done', 3, 1, 1);
INSERT INTO media (id, feedback_id, project_id, user_id, version, name, hash, size_bytes, content_type, state, job_id, created_ms, updated_ms)
VALUES (1, 1, 1, 1, 1, 'a.mp4', 'ab', 3, 'video/mp4', 'ready', 1, 1, 1);
INSERT INTO uploads (user_id, feedback_id, name, content_type, metadata, size_bytes, offset_bytes, created_ms, expires_ms)
VALUES (1, 1, 'b.mp4', 'video/mp4', '', 9, 4, 1, 9);
INSERT INTO comments (id, feedback_id, project_id, user_id, media_id, text, section, start_ms, security, created_ms, updated_ms)
VALUES (1, 1, 1, 2, 1, '자막에 오타가 있습니다.', '00:42', 42000, 1, 2, 2);
INSERT INTO comments (feedback_id, project_id, user_id, parent_id, text, internal, created_ms, updated_ms)
VALUES (1, 1, 1, 1, '고치겠습니다.', 1, 3, 3);
INSERT INTO reactions (comment_id, user_id, kind, created_ms) VALUES (1, 1, 'like', 3);
INSERT INTO events (at_ms, project_id, actor_id, subject, subject_id, verb, body)
VALUES (1, 1, 1, 'project', 1, 'project_added', '{"verb":"project_added","project":1}');
INSERT INTO settings (key, value) VALUES ('sample', '1');
