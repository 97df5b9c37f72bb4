-- Orders that recovery took over and whose customers it has not told of the end yet; the sweeper tells them.
CREATE TABLE untold_orders (
    order_id text PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    since    timestamptz NOT NULL  -- it was taken over, or looked at last
);
