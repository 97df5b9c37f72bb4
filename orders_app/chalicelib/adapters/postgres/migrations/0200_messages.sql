-- What the topic order-notifications delivered: one table for each type of message, one for all that has none of ours.
CREATE SCHEMA messages;

CREATE TABLE messages.notifications (
    message_id   text PRIMARY KEY,  -- SNS's own id: a second delivery of the same message changes nothing
    key          text UNIQUE,       -- the sender's id: a message that was published twice is one message
    subject      text,
    body         text NOT NULL,
    published_at timestamptz NOT NULL,
    stored_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notifications_by_time ON messages.notifications (published_at DESC, message_id DESC);

CREATE TABLE messages.critical_alerts (
    message_id   text PRIMARY KEY,
    key          text UNIQUE,
    subject      text,
    body         text NOT NULL,
    published_at timestamptz NOT NULL,
    stored_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX critical_alerts_by_time ON messages.critical_alerts (published_at DESC, message_id DESC);

CREATE TABLE messages.unrouted (
    message_id    text PRIMARY KEY,
    key           text UNIQUE,
    declared_type text,  -- what the sender called it; NULL where it said nothing
    subject       text,
    body          text NOT NULL,
    published_at  timestamptz NOT NULL,
    stored_at     timestamptz NOT NULL DEFAULT now(),
    alerted_at    timestamptz  -- NULL until operators were told
);
CREATE INDEX unrouted_by_time ON messages.unrouted (published_at DESC, message_id DESC);
