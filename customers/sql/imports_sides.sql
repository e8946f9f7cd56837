-- Receipts that bring something back, and whether they sell something too.
CREATE UNLOGGED TABLE scratch.sides AS
SELECT store, receipt_number, bool_or(NOT is_return) AS has_sale
FROM scratch.staged JOIN scratch.measures USING (quantity, amount, tax)
WHERE EXISTS (SELECT FROM scratch.measures WHERE is_return)
GROUP BY store, receipt_number HAVING bool_or(is_return)
