-- The lines of the receipts, in the order of receipts and file; positions count purchased and returned apart.
CREATE UNLOGGED TABLE scratch.lines AS
SELECT receipt.no AS receipt_no, staged.row_no, sku.no AS sku_no, receipt.purchase_id, sku.product_id,
       measure.is_return, abs(measure.pieces)::numeric(12, 3) AS quantity,
       abs(CASE currency.digits WHEN 0 THEN measure.minor_0 WHEN 3 THEN measure.minor_3 ELSE measure.minor_2 END)
           AS amount_minor,
       abs(CASE currency.digits WHEN 0 THEN measure.tax_0 WHEN 3 THEN measure.tax_3 ELSE measure.tax_2 END) AS tax_minor,
       row_number() OVER (PARTITION BY receipt.no, measure.is_return ORDER BY staged.row_no)::int AS position
FROM scratch.staged staged
JOIN scratch.receipts receipt USING (store, receipt_number)
JOIN scratch.skus sku USING (sku)
JOIN scratch.measures measure USING (quantity, amount, tax)
JOIN scratch.currencies currency ON currency.code = receipt.currency
