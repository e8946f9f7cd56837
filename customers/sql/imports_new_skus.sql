-- Unknown products that only receipts name which are not to be booked need not be made.
UPDATE scratch.skus SET is_new = false
WHERE is_new AND no NOT IN (
    SELECT sku_no FROM scratch.lines line
    WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = line.receipt_no)
)
