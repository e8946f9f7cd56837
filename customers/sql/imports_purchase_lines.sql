INSERT INTO customers_purchaseline (purchase_id, position, product_id, quantity, amount_minor, discount_minor)
SELECT purchase_id, position, product_id, quantity, amount_minor, 0
FROM scratch.lines line
WHERE receipt_no BETWEEN %(first)s AND %(last)s AND NOT is_return
  AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = line.receipt_no)
ORDER BY receipt_no, position
