-- The lines in the books that rows may bring back: no till takes them back meanwhile.
SELECT line.id
FROM customers_purchaseline line
JOIN customers_purchase purchase ON purchase.id = line.purchase_id
WHERE (purchase.customer_id, purchase.store_id, line.product_id) IN (
    SELECT receipt.reference, store.id, product.id
    FROM scratch.lines back
    JOIN scratch.receipts receipt ON receipt.no = back.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    JOIN scratch.skus sku ON sku.no = back.sku_no
    JOIN customers_product product ON product.sku = sku.sku
    WHERE back.is_return AND back.receipt_no BETWEEN %(first)s AND %(last)s
)
ORDER BY line.id
FOR NO KEY UPDATE OF line
