-- A query that allocates heavily: text made row by row, an index, sorting, grouping, JSON.
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, note TEXT, amount INTEGER);
WITH RECURSIVE row(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM row WHERE i < 200000)
INSERT INTO orders
SELECT i, 'customer-' || (i * 7919 % 4001), printf('%.*c', 20 + i * 31 % 300, 'n'), i * 104729 % 10007
FROM row;
CREATE INDEX orders_by_customer ON orders(customer, amount);
SELECT count(*), sum(length(all_notes)) FROM
  (SELECT customer, group_concat(note, ',') AS all_notes FROM orders GROUP BY customer);
SELECT count(DISTINCT upper(customer) || amount), max(json_object('id', id, 'note', note)) FROM orders;
SELECT sum(json_array_length(items)) FROM
  (SELECT json_group_array(json_object('amount', amount, 'customer', customer)) AS items
   FROM orders GROUP BY amount % 997);
SELECT customer, count(*), sum(amount) FROM orders GROUP BY customer ORDER BY 3 DESC, 1 LIMIT 5;
