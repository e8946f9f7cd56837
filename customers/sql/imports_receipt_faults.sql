INSERT INTO scratch.findings (row_no, column_name, code)
SELECT row_no, split_part(fault, ':', 1), split_part(fault, ':', 2)
FROM scratch.staged JOIN scratch.receipts_told USING (store, receipt_number)
WHERE fault IS NOT NULL
ON CONFLICT DO NOTHING
