-- For every returned row of the receipts from %(first)s to %(last)s its own row, and the lines that can have been it: the
-- same customer, store and product, bought by the file or earlier.
WITH back AS (
    SELECT receipt.no, receipt.reference, receipt.store_no, receipt.purchased_at, line.row_no, line.sku_no, line.quantity,
           line.amount_minor
    FROM scratch.lines line JOIN scratch.receipts receipt ON receipt.no = line.receipt_no
    WHERE line.is_return AND line.receipt_no BETWEEN %(first)s AND %(last)s
      AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = line.receipt_no)
), sought AS (
    SELECT DISTINCT back.reference, back.store_no, store.id AS store_id, back.sku_no, product.id AS product_id
    FROM back
    JOIN scratch.stores store ON store.no = back.store_no
    JOIN scratch.skus sku ON sku.no = back.sku_no
    LEFT JOIN customers_product product ON product.sku = sku.sku
    WHERE back.reference IS NOT NULL
)
SELECT 'returned', no, reference, store_no, sku_no, purchased_at, row_no, NULL::bigint, NULL::int, quantity, amount_minor
FROM back
UNION ALL
SELECT 'bought', receipt.no, sought.reference, sought.store_no, sought.sku_no, receipt.purchased_at, line.row_no,
       receipt.purchase_id, line.position, line.quantity, line.amount_minor
FROM sought
JOIN scratch.receipts receipt ON receipt.reference = sought.reference AND receipt.store_no = sought.store_no
JOIN scratch.lines line ON line.receipt_no = receipt.no AND line.sku_no = sought.sku_no AND NOT line.is_return
WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)
UNION ALL
SELECT 'bought', NULL, sought.reference, sought.store_no, sought.sku_no, purchase.purchased_at, NULL, purchase.id,
       line.position, line.quantity - coalesce(gone.quantity, 0), line.amount_minor - coalesce(gone.amount_minor, 0)
FROM sought
JOIN customers_purchase purchase ON purchase.customer_id = sought.reference AND purchase.store_id = sought.store_id
JOIN customers_purchaseline line ON line.purchase_id = purchase.id AND line.product_id = sought.product_id
LEFT JOIN LATERAL (
    SELECT sum(quantity) AS quantity, sum(amount_minor)::bigint AS amount_minor FROM customers_purchasereturnline
    WHERE line_id = line.id
) gone ON true
