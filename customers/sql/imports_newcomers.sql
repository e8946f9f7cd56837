-- Customers to be enrolled, since their first purchase in the file.
CREATE UNLOGGED TABLE scratch.newcomers AS
SELECT row_number() OVER ()::int AS no, first.* FROM (
    SELECT key.key, key.reference, min(receipt.purchased_at) AS enrolled_at
    FROM scratch.keys key JOIN scratch.receipts receipt USING (reference)
    WHERE key.customer_id IS NULL
      AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)
    GROUP BY key.key, key.reference ORDER BY key.reference DESC
) first
