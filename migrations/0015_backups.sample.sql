INSERT INTO backups (id, place, user_id, state, taken_ms, finished_ms, seq, bytes, new_bytes, films, lost, encrypted, verified_ms, is_whole, verified, error)
VALUES ('20261128T205500Z-1a2b', '/srv/backups', NULL, 'done', 5, 9, 3, 1000, 900, 2, 0, 1, 10, 1, '{"at":"1970-01-01T00:00:00.010Z","ok":true,"rows":3,"read":1,"of":2,"read_bytes":10,"of_bytes":20}', NULL),
       ('20261129T205500Z-3c4d', 's3://films/planet', 1, 'failed', 15, 19, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 'the place does not answer');
