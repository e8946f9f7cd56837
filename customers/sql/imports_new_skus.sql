-- Unknown products of receipts that are not to be booked need not be made.
UPDATE scratch.skus SET is_new = false
WHERE is_new AND sku NOT IN (
    SELECT staged.sku FROM scratch.staged staged JOIN scratch.receipts receipt USING (store, receipt_number)
    WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)
)
