\set first random(1, 50000)
SELECT city, count(*), sum(amount), count(DISTINCT upper(note)), max(reverse(note))
FROM purchase JOIN customer ON customer.id = purchase.customer
WHERE purchase.id BETWEEN :first AND :first + 5000
GROUP BY city ORDER BY 3 DESC, 1;
