-- The rows of receipts whose gift cards would have paid more than their goods cost, or less than nothing. What stands in
-- receipts that only bring goods back is not looked at: what they take back follows from the purchase.
INSERT INTO scratch.findings (row_no, column_name, code)
SELECT line.row_no, 'gift_card', 'gift_card_exceeds'
FROM scratch.lines line JOIN (
    SELECT receipt.no
    FROM scratch.receipts receipt JOIN scratch.lines bought ON bought.receipt_no = receipt.no AND NOT bought.is_return
    WHERE receipt.gift_card_minor <> 0
    GROUP BY receipt.no, receipt.gift_card_minor
    HAVING receipt.gift_card_minor NOT BETWEEN 0 AND sum(bought.amount_minor)
) beyond ON beyond.no = line.receipt_no
