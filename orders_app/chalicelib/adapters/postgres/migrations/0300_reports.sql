-- A report reads the orders of a few days. A block range index suits rows that come in order of time: it is
-- a few pages for millions of orders and costs an insert next to nothing.
create index orders_by_day on orders using brin (placed_at) with (pages_per_range = 32, autosummarize = on);
