-- Whether the receipts that were met tell the same as before: 'same' or 'other'. Customers whom a merge ever joined, undone
-- or not, are the same: what was told of one stands under the other. Gift cards and tax are compared where the file tells.
WITH RECURSIVE pair AS (
    SELECT source_id AS one, target_id AS other FROM customers_customermerge
    UNION SELECT target_id, source_id FROM customers_customermerge
), joined AS (
    SELECT one, other FROM pair
    UNION SELECT joined.one, pair.other FROM joined JOIN pair ON pair.one = joined.other
), said AS (
    SELECT settled.receipt_no, count(*) FILTER (WHERE NOT is_return) AS lines,
           coalesce(sum(amount_minor) FILTER (WHERE NOT is_return), 0) AS total_minor,
           sum(tax_minor) FILTER (WHERE NOT is_return) AS tax_minor,
           count(*) FILTER (WHERE is_return) AS returns,
           coalesce(sum(amount_minor) FILTER (WHERE is_return), 0) AS returned_minor
    FROM scratch.settled JOIN scratch.lines line USING (receipt_no)
    WHERE settled.outcome IS NULL AND receipt_no BETWEEN %(first)s AND %(last)s
    GROUP BY settled.receipt_no
), purchase AS (
    SELECT said.receipt_no,
           (purchase.customer_id IS NOT DISTINCT FROM receipt.reference
            OR (purchase.customer_id, receipt.reference) IN (SELECT one, other FROM joined))
               AND purchase.purchased_at = receipt.purchased_at AND purchase.currency = receipt.currency
               AND purchase.total_minor = said.total_minor
               AND purchase.gift_card_minor = coalesce(receipt.gift_card_minor, purchase.gift_card_minor)
               AND (SELECT count(*) = said.lines AND sum(line.tax_minor) = coalesce(said.tax_minor, sum(line.tax_minor))
                    FROM customers_purchaseline line WHERE line.purchase_id = purchase.id)
           AS is_same
    FROM said
    JOIN scratch.receipts receipt ON receipt.no = said.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    JOIN customers_purchase purchase ON purchase.store_id = store.id
        AND purchase.receipt_number = receipt.receipt_number
    WHERE said.lines > 0
), back AS (
    SELECT said.receipt_no, sum(line.amount_minor) = said.returned_minor
           AND bool_and(back.returned_at = receipt.purchased_at
                        AND (bought.customer_id = receipt.reference
                             OR (bought.customer_id, receipt.reference) IN (SELECT one, other FROM joined))) AS is_same
    FROM said
    JOIN scratch.receipts receipt ON receipt.no = said.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    JOIN LATERAL generate_series(1, said.returns) part ON true
    JOIN customers_purchasereturn back ON back.store_id = store.id AND back.return_number =
        CASE part WHEN 1 THEN receipt.receipt_number ELSE left(receipt.receipt_number, 90) || '/' || part END
    JOIN customers_purchase bought ON bought.id = back.purchase_id
    JOIN customers_purchasereturnline line ON line.purchase_return_id = back.id
    GROUP BY said.receipt_no, said.returned_minor
)
UPDATE scratch.settled SET outcome = CASE
    WHEN (lines = 0 OR coalesce(purchase.is_same, false)) AND (returns = 0 OR coalesce(back.is_same, false)) THEN 'same'
    ELSE 'other' END
FROM said LEFT JOIN purchase USING (receipt_no) LEFT JOIN back USING (receipt_no)
WHERE settled.receipt_no = said.receipt_no
