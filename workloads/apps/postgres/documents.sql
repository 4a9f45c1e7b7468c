\set first random(1, 50000)
SELECT name, jsonb_agg(jsonb_build_object('amount', amount, 'note', note) ORDER BY amount, purchase.id)
FROM purchase JOIN customer ON customer.id = purchase.customer
WHERE purchase.id BETWEEN :first AND :first + 1500
GROUP BY name ORDER BY name;
