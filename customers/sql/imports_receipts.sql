-- The receipts to book, numbered by customer and time: a chunk is all receipts of some customers, so that each customer's
-- points are booked in order however many connections work.
CREATE UNLOGGED TABLE scratch.receipts AS
WITH sound AS (
    SELECT told.*, side.store IS NOT NULL AS has_return, coalesce(side.has_sale, true) AS has_sale,
           row_number() OVER (ORDER BY reference NULLS LAST, purchased_at, first_row)::int AS no
    FROM scratch.receipts_told told LEFT JOIN scratch.sides side USING (store, receipt_number)
    WHERE NOT EXISTS (
        SELECT FROM scratch.findings JOIN scratch.staged USING (row_no)
        WHERE staged.store = told.store AND staged.receipt_number = told.receipt_number
    )
)
SELECT no, store_no, store, receipt_number, reference, purchased_at, currency, gift_card_minor, has_sale, has_return,
       nextval((SELECT pg_get_serial_sequence('customers_purchase', 'id')::regclass)) AS purchase_id,
       ((CASE WHEN reference IS NULL THEN no ELSE min(no) OVER (PARTITION BY reference) END - 1) / %(chunk_receipts)s)::int
           AS chunk
FROM sound ORDER BY no
