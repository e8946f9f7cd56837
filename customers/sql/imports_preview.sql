-- How much would be booked: purchases, customers to enroll, rows told before, and money by currency.
WITH receipt AS (
    SELECT receipts.* FROM scratch.receipts
    WHERE NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipts.no)
)
SELECT
    (SELECT count(*) FROM receipt WHERE has_sale),
    (SELECT count(DISTINCT reference) FROM receipt WHERE reference < 0),
    (SELECT count(*) FROM scratch.lines JOIN scratch.settled USING (receipt_no) WHERE outcome = 'same'),
    (SELECT coalesce(jsonb_object_agg(currency, amount_minor), '{}') FROM (
        SELECT currency, sum(CASE WHEN is_return THEN -amount_minor ELSE amount_minor END) AS amount_minor
        FROM receipt JOIN scratch.lines line ON line.receipt_no = receipt.no GROUP BY currency) said)::text
