SELECT md5(string_agg(id || ':' || balance, ',' ORDER BY id)) FROM account;
SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
  SELECT city || count(*) || sum(amount) || count(DISTINCT upper(note)) || max(reverse(note)) AS line
  FROM purchase JOIN customer ON customer.id = purchase.customer GROUP BY city) AS lines;
