-- The sound rows of receipts that have an unsound one.
INSERT INTO scratch.findings (row_no, column_name, code)
SELECT row_no, 'receipt_number', 'other_line_wrong'
FROM scratch.staged JOIN (
    SELECT DISTINCT store, receipt_number FROM scratch.staged JOIN scratch.findings USING (row_no)
    WHERE store <> '' AND receipt_number <> ''
) spoiled USING (store, receipt_number)
ON CONFLICT DO NOTHING
