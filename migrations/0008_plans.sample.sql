INSERT INTO plans (id, project_id, user_id, title, status, inputs, story, version, created_ms, updated_ms)
VALUES (1, 1, 1, '겨울 저녁 붕어빵', 'draft',
    '{"one_liner":"첫 월급으로 산 붕어빵","tone":"","genre":"","target":"","duration_s":80,"format":"16:9","tempo":"normal","style":"classic","intensity":"moderate","seed":0}',
    '{"stages":[],"shots":[]}', 1, 5, 5);
INSERT INTO plan_versions (plan_id, version, user_id, reason, title, inputs, story, created_ms)
SELECT id, 1, user_id, 'created', title, inputs, story, created_ms FROM plans;
INSERT INTO plan_pictures (plan_id, hash, content_type, bytes, created_ms) VALUES (1, '00', 'image/png', x'00', 5);
INSERT INTO storyboard_cache (key, story, created_ms) VALUES ('00', '{"stages":[],"shots":[]}', 5);
INSERT INTO model_spend (month, tokens, images) VALUES ('1970-01', 1, 1);
UPDATE feedbacks SET plan_id = 1 WHERE id = 1;
