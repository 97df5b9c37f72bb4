-- The sandbox payment gateway's own ledger. It plays the outside world: only the sandbox touches it.
CREATE SCHEMA gateway;

CREATE TABLE gateway.ledger (
    id         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    key        text PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
    parent     text,  -- the authorisation of a capture or void, the capture of a refund
    state      text NOT NULL CHECK (state IN ('approved', 'declined', 'voided')),
    amount     bigint NOT NULL,
    currency   char(3) NOT NULL,
    token      text NOT NULL,
    reason     text,
    order_ref  text GENERATED ALWAYS AS (split_part(key, ':', 1)) STORED,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ledger_once ON gateway.ledger (kind, parent) WHERE state = 'approved' AND parent IS NOT NULL;
CREATE INDEX ledger_by_order ON gateway.ledger (order_ref);

CREATE TABLE gateway.attempts (
    key   text PRIMARY KEY,
    calls integer NOT NULL
);
