-- The history of numbers stands in a file of its own (metrics.db), where it is written each second.
DELETE FROM schedules WHERE name = 'metrics_roll_up';
DELETE FROM jobs WHERE kind = 'metrics_roll_up';
DROP TABLE metrics_history;
