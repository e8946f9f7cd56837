-- A receipt that brings back goods of several purchases is one return for each: R-17, R-17/2, …
WITH part AS (
    SELECT receipt_no, purchase_id, row_number() OVER (PARTITION BY receipt_no ORDER BY min(row_no)) AS no
    FROM scratch.matches WHERE receipt_no BETWEEN %(first)s AND %(last)s
    GROUP BY receipt_no, purchase_id
), made AS (
    INSERT INTO customers_purchasereturn (
        purchase_id, store_id, return_number, returned_at, recorded_at, recorded_by, fingerprint)
    SELECT part.purchase_id, store.id,
           CASE WHEN part.no = 1 THEN receipt.receipt_number ELSE left(receipt.receipt_number, 90) || '/' || part.no END,
           receipt.purchased_at, %(at)s, %(by)s, ''
    FROM part
    JOIN scratch.receipts receipt ON receipt.no = part.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    ORDER BY receipt.purchased_at, part.receipt_no, part.no
    RETURNING id, purchase_id, store_id, return_number
), lines AS (
    INSERT INTO customers_purchasereturnline (purchase_return_id, line_id, quantity, amount_minor)
    SELECT made.id, line.id, sum(match.quantity), sum(match.amount_minor)
    FROM part
    JOIN scratch.matches match USING (receipt_no, purchase_id)
    JOIN scratch.receipts receipt ON receipt.no = part.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    JOIN made ON made.purchase_id = part.purchase_id AND made.store_id = store.id
        AND made.return_number = CASE WHEN part.no = 1 THEN receipt.receipt_number
                                      ELSE left(receipt.receipt_number, 90) || '/' || part.no END
    JOIN customers_purchaseline line ON line.purchase_id = match.purchase_id AND line.position = match.position
    GROUP BY made.id, line.id
)
SELECT id FROM made
