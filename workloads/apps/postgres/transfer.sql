\set id random(1, 20000)
\set amount random(1, 1000)
UPDATE account SET balance = balance + :amount WHERE id = :id;
SELECT balance, filler FROM account WHERE id = :id;
