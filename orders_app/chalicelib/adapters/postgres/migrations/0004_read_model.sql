-- What lists and reports read; every row can be made again from the event log.
CREATE SCHEMA read_model;

CREATE TABLE read_model.orders (
    order_id        text PRIMARY KEY,
    subject         text,   -- NULL until "Order Placed" has come, in whatever order events arrive
    customer_id     text,
    status          text,
    status_sequence integer NOT NULL DEFAULT 0,
    currency        char(3),
    total_minor     bigint,
    placed_at       timestamptz,
    updated_at      timestamptz,
    last_sequence   integer NOT NULL DEFAULT 0,
    events          integer NOT NULL DEFAULT 0
);
CREATE INDEX read_orders_by_subject ON read_model.orders (subject, placed_at DESC, order_id DESC);
CREATE INDEX read_orders_by_time ON read_model.orders (placed_at DESC, order_id DESC);
CREATE INDEX read_orders_by_customer ON read_model.orders (customer_id, placed_at DESC, order_id DESC);

CREATE TABLE read_model.sales (
    day            date NOT NULL,  -- UTC date of placing
    currency       char(3) NOT NULL,
    orders         integer NOT NULL DEFAULT 0,
    refunds        integer NOT NULL DEFAULT 0,
    revenue_minor  bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, currency)
);
