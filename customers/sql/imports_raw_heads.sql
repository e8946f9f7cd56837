-- What the rows say of their receipt as a whole; one head a receipt in a sound file.
CREATE UNLOGGED TABLE scratch.raw_heads AS
SELECT store, receipt_number, customer, purchased_at, currency, gift_card, min(row_no) AS first_row
FROM scratch.staged WHERE NOT is_odd
GROUP BY store, receipt_number, customer, purchased_at, currency, gift_card
