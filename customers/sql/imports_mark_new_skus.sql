-- Products to be made: those that nobody knows and a receipt to book names.
UPDATE scratch.skus SET is_new = true
WHERE product_id IS NULL AND no IN (
    SELECT DISTINCT sku_no FROM scratch.lines line
    WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = line.receipt_no)
)
