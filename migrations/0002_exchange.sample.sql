UPDATE users SET username = 'reviewer01' WHERE id = 2;
UPDATE feedbacks SET timecode_ms = 42000 WHERE id = 1;
UPDATE members SET number = 7 WHERE project_id = 1 AND user_id = 2;
