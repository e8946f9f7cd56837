INSERT INTO customers_purchase (
    id, store_id, receipt_number, customer_id, source, purchased_at, recorded_at, recorded_by, currency,
    total_minor, discount_minor, points_value_minor, paid_minor, gift_card_minor, fingerprint)
SELECT receipt.purchase_id, store.id, receipt.receipt_number,
       CASE WHEN receipt.reference > 0 THEN receipt.reference ELSE newcomer.customer_id END,
       'IMPORT', receipt.purchased_at, %(at)s, %(by)s, receipt.currency, said.total_minor, 0, 0, said.total_minor,
       coalesce(receipt.gift_card_minor, 0), ''
FROM scratch.receipts receipt
JOIN (
    SELECT receipt_no, sum(amount_minor)::bigint AS total_minor FROM scratch.lines
    WHERE receipt_no BETWEEN %(first)s AND %(last)s AND NOT is_return
    GROUP BY receipt_no
) said ON said.receipt_no = receipt.no
JOIN scratch.stores store ON store.no = receipt.store_no
LEFT JOIN scratch.keys newcomer ON newcomer.reference = receipt.reference AND newcomer.reference < 0
WHERE receipt.no BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (SELECT FROM scratch.settled WHERE settled.receipt_no = receipt.no)
ORDER BY receipt.no
RETURNING id, customer_id IS NOT NULL, currency, total_minor
