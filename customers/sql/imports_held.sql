-- Locks what a chunk's facts will point to, so that nobody deletes it before they are booked, and tells how much is gone
-- already.
WITH receipt AS MATERIALIZED (
    SELECT no, store_no, reference FROM scratch.receipts
    WHERE no BETWEEN %(first)s AND %(last)s
      AND no NOT IN (SELECT receipt_no FROM scratch.settled WHERE receipt_no BETWEEN %(first)s AND %(last)s)
), named_store AS MATERIALIZED (
    SELECT DISTINCT store.id FROM receipt JOIN scratch.stores store ON store.no = receipt.store_no
), named_product AS MATERIALIZED (
    SELECT DISTINCT product_id AS id FROM scratch.lines
    WHERE receipt_no BETWEEN %(first)s AND %(last)s AND NOT is_return
      AND receipt_no NOT IN (SELECT receipt_no FROM scratch.settled WHERE receipt_no BETWEEN %(first)s AND %(last)s)
), named_customer AS MATERIALIZED (
    SELECT DISTINCT CASE WHEN receipt.reference > 0 THEN receipt.reference ELSE newcomer.customer_id END AS id
    FROM receipt
    LEFT JOIN scratch.keys newcomer ON newcomer.reference = receipt.reference AND newcomer.reference < 0
    WHERE receipt.reference IS NOT NULL
)
SELECT
    (SELECT count(*) FROM named_store) - (
        SELECT count(*) FROM (
            SELECT FROM customers_store WHERE id IN (SELECT id FROM named_store) FOR KEY SHARE) store)
    + (SELECT count(*) FROM named_product) - (
        SELECT count(*) FROM (
            SELECT FROM customers_product WHERE id IN (SELECT id FROM named_product) FOR KEY SHARE) product)
    + (SELECT count(*) FROM named_customer) - (
        SELECT count(*) FROM (
            SELECT FROM customers_customer WHERE id IN (SELECT id FROM named_customer) FOR KEY SHARE) customer)
