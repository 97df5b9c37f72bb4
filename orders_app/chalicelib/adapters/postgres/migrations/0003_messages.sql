-- Everything that makes messages safe: event log, outbox, inbox, idempotency keys, claimed notifications.
CREATE TABLE event_log (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders,
    sequence integer NOT NULL,
    event_id text NOT NULL UNIQUE,
    type     text NOT NULL,
    envelope jsonb NOT NULL,
    UNIQUE (order_id, sequence)
);

CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        text NOT NULL,
    sequence        integer NOT NULL,
    event_id        text NOT NULL UNIQUE REFERENCES event_log (event_id),
    created_at      timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    published_at    timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_unpublished_of_order ON outbox (order_id, sequence) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE inbox (
    consumer    text NOT NULL,
    event_id    text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE idempotency_keys (
    subject     text NOT NULL,
    operation   text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    status      integer NOT NULL,
    body        jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (subject, operation, key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

CREATE TABLE notifications (
    order_id   text NOT NULL REFERENCES orders,
    about      text NOT NULL,
    channel    text NOT NULL,
    state      text NOT NULL CHECK (state IN ('claimed', 'sent', 'failed', 'unknown')),
    claimed_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (order_id, about, channel)
);
CREATE INDEX notifications_claimed ON notifications (claimed_at) WHERE state = 'claimed';

CREATE TABLE api_tokens (
    token_hash text PRIMARY KEY,  -- hex SHA-256; tokens are random, so that needs no salt
    subject    text NOT NULL,
    scopes     text[] NOT NULL,
    expires_at timestamptz
);
