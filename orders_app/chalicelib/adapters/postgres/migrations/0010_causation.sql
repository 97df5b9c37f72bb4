-- The id of the order's latest event: the next one names it as its cause.
ALTER TABLE orders ADD COLUMN last_event text;
