-- The lines in the books that rows may bring back: no till takes them back meanwhile.
WITH sought AS MATERIALIZED (
    SELECT DISTINCT receipt.reference, store.id AS store_id, back.product_id
    FROM scratch.lines back
    JOIN scratch.receipts receipt ON receipt.no = back.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    WHERE back.is_return AND back.receipt_no BETWEEN %(first)s AND %(last)s AND receipt.reference > 0
), found AS MATERIALIZED (
    SELECT DISTINCT line.id
    FROM (SELECT DISTINCT reference, store_id FROM sought) place
    CROSS JOIN LATERAL (
        SELECT id FROM customers_purchase
        WHERE customer_id = place.reference AND store_id = place.store_id OFFSET 0) bought
    CROSS JOIN LATERAL (SELECT id, product_id FROM customers_purchaseline WHERE purchase_id = bought.id OFFSET 0) line
    JOIN sought ON sought.reference = place.reference AND sought.store_id = place.store_id
        AND sought.product_id = line.product_id
)
SELECT count(*) FROM (
    SELECT FROM customers_purchaseline WHERE id IN (SELECT id FROM found) ORDER BY id FOR NO KEY UPDATE) locked
