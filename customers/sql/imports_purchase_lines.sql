INSERT INTO customers_purchaseline (purchase_id, position, product_id, quantity, amount_minor, discount_minor)
SELECT line.purchase_id, line.position, sku.product_id, line.quantity, line.amount_minor, 0
FROM scratch.lines line JOIN scratch.skus sku ON sku.no = line.sku_no
WHERE receipt_no BETWEEN %(first)s AND %(last)s AND NOT is_return
  AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = line.receipt_no)
ORDER BY line.receipt_no, line.position
