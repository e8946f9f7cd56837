-- Rows of receipts that were told before with another content.
INSERT INTO scratch.findings (row_no, column_name, code)
SELECT line.row_no, 'receipt_number', 'told_otherwise'
FROM scratch.settled JOIN scratch.lines line USING (receipt_no)
WHERE settled.outcome = 'other' AND receipt_no BETWEEN %(first)s AND %(last)s
ON CONFLICT DO NOTHING
