-- The first fault of every row that has one.
INSERT INTO scratch.findings (row_no, column_name, code)
SELECT row_no, split_part(fault, ':', 1), split_part(fault, ':', 2)
FROM (
    SELECT staged.row_no, coalesce(head.fault, goods.fault, measure.fault,
        CASE WHEN CASE currency.digits WHEN 0 THEN measure.minor_0 WHEN 3 THEN measure.minor_3 ELSE measure.minor_2 END
                  IS NULL THEN 'amount:amount_too_fine'
             WHEN staged.tax <> '' AND
                  CASE currency.digits WHEN 0 THEN measure.tax_0 WHEN 3 THEN measure.tax_3 ELSE measure.tax_2 END
                  IS NULL THEN 'tax:amount_too_fine' END) AS fault
    FROM scratch.staged staged
    JOIN scratch.heads head USING (store, receipt_number, customer, purchased_at, currency, gift_card)
    JOIN scratch.goods goods USING (sku, name, category)
    JOIN scratch.measures measure USING (quantity, amount, tax)
    LEFT JOIN scratch.currencies currency ON currency.code = head.currency_code
    WHERE NOT staged.is_odd
) judged
WHERE fault IS NOT NULL
