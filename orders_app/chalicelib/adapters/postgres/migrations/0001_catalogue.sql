-- The catalogue and its stock. Prices are minor units of the stage's one settlement currency.
CREATE TABLE products (
    id          text PRIMARY KEY,
    name        text NOT NULL,
    price_minor bigint CHECK (price_minor >= 0),  -- NULL: has no list price
    stocked     boolean NOT NULL DEFAULT true,    -- false: sold without counting
    orderable   boolean NOT NULL DEFAULT true,    -- false: not through the API
    available   integer NOT NULL DEFAULT 0 CHECK (available >= 0),
    reserved    integer NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);
CREATE UNIQUE INDEX products_by_name ON products (lower(name));

INSERT INTO products (id, name, price_minor, stocked, orderable, available) VALUES
    ('P-0000', 'Miscellaneous', NULL, false, false, 0),
    ('P-1001', 'Widget', 7499, true, true, 1000000),
    ('P-1002', 'Laptop', 29999, true, true, 1000000),
    ('P-1003', 'Gaming Console', 39999, true, true, 1000000),
    ('P-1004', 'Controller', 5000, true, true, 1000000),
    ('P-1005', 'Headset', 8950, true, true, 100000),
    ('P-1006', 'Keyboard', 6400, true, true, 100000),
    ('P-1007', 'Monitor', 21900, true, true, 100000),
    ('P-1008', 'Mouse', 2599, true, true, 100000),
    ('P-1009', 'Webcam', 4999, true, true, 100000),
    ('P-1010', 'USB Cable', 799, true, true, 100000),
    ('P-2001', 'Signed Print', 12000, true, true, 100),
    ('P-2002', 'Vintage Radio', 18500, true, true, 0);
