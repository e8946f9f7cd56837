-- Receipts among those from %(first)s to %(last)s whose number their store has told before, and whether it told the
-- same. Sales and returns are numbered apart: only what the receipt has of them is compared.
INSERT INTO scratch.settled (receipt_no, outcome)
WITH receipt AS (
    SELECT receipt.*, store.id AS store_id
    FROM scratch.receipts receipt JOIN scratch.stores store ON store.no = receipt.store_no
    WHERE receipt.no BETWEEN %(first)s AND %(last)s
      AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)
), met AS (
    SELECT receipt.no FROM receipt JOIN customers_purchase purchase USING (store_id, receipt_number)
    UNION
    SELECT receipt.no FROM receipt JOIN customers_purchasereturn back
        ON back.store_id = receipt.store_id AND back.return_number = receipt.receipt_number
), said AS (
    SELECT met.no, count(*) FILTER (WHERE NOT is_return) AS lines,
           coalesce(sum(amount_minor) FILTER (WHERE NOT is_return), 0) AS total_minor,
           count(*) FILTER (WHERE is_return) AS returns,
           coalesce(sum(amount_minor) FILTER (WHERE is_return), 0) AS returned_minor
    FROM met JOIN scratch.lines line ON line.receipt_no = met.no
    GROUP BY met.no
), told AS (
    SELECT receipt.*, said.lines, said.total_minor, said.returns, said.returned_minor, purchase.id AS purchase,
           purchase.customer_id IS NOT DISTINCT FROM receipt.reference AND purchase.purchased_at = receipt.purchased_at
               AND purchase.currency = receipt.currency AND purchase.total_minor = said.total_minor
               AND (SELECT count(*) FROM customers_purchaseline line WHERE line.purchase_id = purchase.id) = said.lines
           AS is_same_purchase, back.told AS backs,
           back.told > 0 AND back.are_then AND back.are_theirs AND back.total_minor = said.returned_minor AS are_same_returns
    FROM said JOIN receipt USING (no)
    LEFT JOIN customers_purchase purchase
        ON purchase.store_id = receipt.store_id AND purchase.receipt_number = receipt.receipt_number AND said.lines > 0
    LEFT JOIN LATERAL (
        SELECT count(*) AS told, coalesce(sum(line.amount_minor), 0) AS total_minor,
               bool_and(back.returned_at = receipt.purchased_at) AS are_then,
               bool_and(bought.customer_id = receipt.reference) AS are_theirs
        FROM customers_purchasereturn back
        JOIN customers_purchase bought ON bought.id = back.purchase_id
        JOIN customers_purchasereturnline line ON line.purchase_return_id = back.id
        WHERE said.returns > 0 AND back.store_id = receipt.store_id
          AND back.return_number = ANY (receipt.receipt_number || (
              SELECT array_agg(left(receipt.receipt_number, 90) || '/' || n) FROM generate_series(2, said.returns) n))
    ) back ON true
)
SELECT no, CASE WHEN (lines = 0 OR coalesce(is_same_purchase, false)) AND (returns = 0 OR coalesce(are_same_returns, false))
                THEN 'same' ELSE 'other' END
FROM told WHERE purchase IS NOT NULL OR backs > 0
