-- For every returned row of the receipts from %(first)s to %(last)s its own row, and the lines that can have been it: the
-- same customer, store and product, bought by the file (all receipts of a customer are between these numbers) or earlier.
WITH line AS MATERIALIZED (
    SELECT receipt.no, receipt.reference, receipt.store_no, receipt.purchased_at, line.row_no, line.sku_no,
           line.product_id, line.is_return, line.purchase_id, line.position, line.quantity, line.amount_minor
    FROM scratch.lines line JOIN scratch.receipts receipt ON receipt.no = line.receipt_no
    WHERE line.receipt_no BETWEEN %(first)s AND %(last)s AND line.receipt_no NOT IN (
        SELECT receipt_no FROM scratch.settled WHERE receipt_no BETWEEN %(first)s AND %(last)s)
), sought AS MATERIALIZED (
    SELECT DISTINCT line.reference, line.store_no, line.sku_no, line.product_id, store.id AS store_id
    FROM line JOIN scratch.stores store ON store.no = line.store_no
    WHERE line.is_return AND line.reference IS NOT NULL
)
SELECT 'returned', no, reference, store_no, sku_no, purchased_at, row_no, NULL::bigint, NULL::int, quantity, amount_minor
FROM line WHERE is_return
UNION ALL
SELECT 'bought', line.no, line.reference, line.store_no, line.sku_no, line.purchased_at, line.row_no, line.purchase_id,
       line.position, line.quantity, line.amount_minor
FROM line JOIN sought USING (reference, store_no, sku_no) WHERE NOT line.is_return
UNION ALL
SELECT 'bought', NULL, sought.reference, sought.store_no, sought.sku_no, bought.purchased_at, NULL, bought.id,
       line.position, line.quantity - coalesce(gone.quantity, 0), line.amount_minor - coalesce(gone.amount_minor, 0)
FROM (SELECT DISTINCT reference, store_id FROM sought WHERE reference > 0 AND store_id IS NOT NULL) place
CROSS JOIN LATERAL (
    SELECT id, purchased_at FROM customers_purchase
    WHERE customer_id = place.reference AND store_id = place.store_id OFFSET 0) bought
CROSS JOIN LATERAL (SELECT * FROM customers_purchaseline WHERE purchase_id = bought.id OFFSET 0) line
JOIN sought ON sought.reference = place.reference AND sought.store_id = place.store_id
    AND sought.product_id = line.product_id
LEFT JOIN LATERAL (
    SELECT sum(quantity) AS quantity, sum(amount_minor)::bigint AS amount_minor FROM customers_purchasereturnline
    WHERE line_id = line.id
) gone ON true
