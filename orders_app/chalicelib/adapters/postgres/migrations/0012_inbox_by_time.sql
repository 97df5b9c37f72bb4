-- The hourly purge takes what is old enough: it must not look through all that is remembered to find it.
CREATE INDEX inbox_by_time ON inbox (received_at);
