-- A completed order keeps its effects: what the sweeper looks through must not grow with every sale.
ALTER TABLE effects DROP CONSTRAINT effects_state_check;
ALTER TABLE effects ADD CONSTRAINT effects_state_check CHECK (state IN ('registered', 'done', 'kept', 'undone'));
UPDATE effects e SET state = 'kept' FROM orders o
WHERE o.id = e.order_id AND o.status = 'completed' AND e.state = 'done';
DROP INDEX effects_to_undo;
CREATE INDEX effects_to_undo ON effects (order_id) WHERE state IN ('registered', 'done');
