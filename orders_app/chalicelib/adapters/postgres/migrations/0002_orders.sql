-- Orders, their lines, what was done for them, and the only place of personal data (customers, contacts).
CREATE TABLE orders (
    id               text PRIMARY KEY,
    subject          text NOT NULL,
    customer_id      text NOT NULL,
    status           text NOT NULL,
    version          integer NOT NULL,
    sequence         integer NOT NULL,   -- of the order's latest event
    execution        text,               -- the workflow execution that owns it
    cancellation     text,               -- the workflow execution that cancels it
    cancel_requested boolean NOT NULL DEFAULT false,
    reason           text,
    attempts         integer NOT NULL DEFAULT 0,
    currency         char(3) NOT NULL,
    total_minor      bigint NOT NULL CHECK (total_minor >= 0),
    payment_token    text NOT NULL,
    region           text,
    admitted         boolean NOT NULL DEFAULT false,
    correlation_id   text NOT NULL,
    placed_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    completed_at     timestamptz,
    swept_at         timestamptz NOT NULL
);
-- Only what may need the sweeper; completed orders leave it.
CREATE INDEX orders_in_motion ON orders (status, swept_at)
    WHERE status IN ('placed', 'processing', 'authorised', 'reserved', 'capturing', 'cancelling', 'compensating');
CREATE INDEX orders_by_execution ON orders (execution) WHERE execution IS NOT NULL;
CREATE INDEX orders_by_cancellation ON orders (cancellation) WHERE cancellation IS NOT NULL;

CREATE TABLE order_lines (
    order_id          text NOT NULL REFERENCES orders ON DELETE CASCADE,
    line_number       integer NOT NULL,
    product_id        text NOT NULL REFERENCES products,
    quantity          integer NOT NULL CHECK (quantity > 0),
    unit_price_minor  bigint NOT NULL,
    line_amount_minor bigint NOT NULL CHECK (line_amount_minor >= 0),
    PRIMARY KEY (order_id, line_number)
);

CREATE TABLE customers (
    subject text NOT NULL,
    id      text NOT NULL,
    name    text NOT NULL,
    named   boolean NOT NULL,  -- the id was made here for a customer known by name only
    PRIMARY KEY (subject, id)
);
CREATE UNIQUE INDEX customers_by_name ON customers (subject, name) WHERE named;

CREATE TABLE contacts (
    order_id text PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    name     text NOT NULL,
    email    text,
    phone    text,
    shipping jsonb
);

CREATE TABLE reservations (
    order_id   text NOT NULL REFERENCES orders ON DELETE CASCADE,
    product_id text NOT NULL REFERENCES products,
    quantity   integer NOT NULL CHECK (quantity > 0),
    state      text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'expired')),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
CREATE INDEX reservations_held ON reservations (expires_at) WHERE state = 'held';

-- The undo register: written before the action, undone in reverse order of id.
CREATE TABLE effects (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    order_id text NOT NULL REFERENCES orders ON DELETE CASCADE,
    kind     text NOT NULL CHECK (kind IN ('authorisation', 'reservation', 'capture')),
    key      text NOT NULL,
    state    text NOT NULL CHECK (state IN ('registered', 'done', 'undone')),
    PRIMARY KEY (order_id, kind)
);
CREATE INDEX effects_to_undo ON effects (order_id) WHERE state <> 'undone';
