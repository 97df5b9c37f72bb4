-- `GET /orders?status=…` without a subject reads from the newest on; a rare status must not mean reading them all.
CREATE INDEX read_orders_by_status ON read_model.orders (status, placed_at DESC, order_id DESC);
