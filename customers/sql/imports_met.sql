-- Receipts from %(first)s to %(last)s whose number their store has told before. Sales and returns are numbered apart.
INSERT INTO scratch.settled (receipt_no)
WITH receipt AS (
    SELECT receipt.no, receipt.receipt_number, receipt.has_sale, receipt.has_return, store.id AS store_id
    FROM scratch.receipts receipt JOIN scratch.stores store ON store.no = receipt.store_no
    WHERE receipt.no BETWEEN %(first)s AND %(last)s
)
SELECT no FROM receipt JOIN customers_purchase USING (store_id, receipt_number) WHERE has_sale
UNION
SELECT no FROM receipt JOIN customers_purchasereturn back
    ON back.store_id = receipt.store_id AND back.return_number = receipt.receipt_number
WHERE has_return
ON CONFLICT DO NOTHING
