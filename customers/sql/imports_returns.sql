-- A receipt that brings back goods of several purchases is one return for each: R-17, R-17/2, …
WITH part AS MATERIALIZED (
    SELECT receipt_no, part, purchase_id, nextval((SELECT pg_get_serial_sequence('customers_purchasereturn', 'id')::regclass)) AS id
    FROM (
        SELECT DISTINCT receipt_no, part, purchase_id FROM scratch.matches
        WHERE receipt_no BETWEEN %(first)s AND %(last)s ORDER BY receipt_no, part) named
), made AS (
    INSERT INTO customers_purchasereturn (
        id, purchase_id, store_id, return_number, returned_at, recorded_at, recorded_by, fingerprint)
    SELECT part.id, part.purchase_id, store.id,
           CASE WHEN part = 1 THEN receipt.receipt_number ELSE left(receipt.receipt_number, 90) || '/' || part END,
           receipt.purchased_at, %(at)s, %(by)s, ''
    FROM part
    JOIN scratch.receipts receipt ON receipt.no = part.receipt_no
    JOIN scratch.stores store ON store.no = receipt.store_no
    RETURNING id
), lines AS (
    INSERT INTO customers_purchasereturnline (purchase_return_id, line_id, quantity, amount_minor)
    SELECT part.id, line.id, sum(match.quantity), sum(match.amount_minor)
    FROM part
    JOIN scratch.matches match USING (receipt_no, part)
    CROSS JOIN LATERAL (
        SELECT id FROM customers_purchaseline
        WHERE purchase_id = match.purchase_id AND position = match.position OFFSET 0) line
    GROUP BY part.id, line.id
)
SELECT id FROM made
