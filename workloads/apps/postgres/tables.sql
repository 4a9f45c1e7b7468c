CREATE TABLE customer(id integer PRIMARY KEY, name text, city text);

INSERT INTO customer SELECT i, 'customer-' || md5(i::text), 'city-' || (i * 7919 % 211)
FROM generate_series(1, 5000) AS i;

CREATE TABLE purchase(id integer PRIMARY KEY, customer integer, amount integer, note text);

INSERT INTO purchase SELECT i, 1 + i * 104729::bigint % 5000, i * 7919::bigint % 10007, repeat(md5(i::text), 1 + i % 5)
FROM generate_series(1, 60000) AS i;

CREATE TABLE account(id integer PRIMARY KEY, balance bigint, filler text);

INSERT INTO account SELECT i, 0, repeat('x', 80) FROM generate_series(1, 20000) AS i;

VACUUM FREEZE ANALYZE;

