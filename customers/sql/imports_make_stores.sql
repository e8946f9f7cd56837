INSERT INTO customers_store (code, name, timezone, currency)
SELECT code, code, timezone, currency FROM scratch.stores store
WHERE id IS NULL AND EXISTS (
    SELECT FROM scratch.receipts receipt
    WHERE receipt.store_no = store.no
      AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no))
ORDER BY code
ON CONFLICT (code) DO NOTHING
