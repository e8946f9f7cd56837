-- The receipts, each once, with the fault that lies between its rows.
CREATE UNLOGGED TABLE scratch.receipts_told AS
SELECT store, receipt_number, store_no, min(reference) AS reference, min(instant) AS purchased_at,
       min(first_row) AS first_row, min(currency_code) AS currency,
       CASE WHEN min(reference) <> max(reference) THEN 'customer:two_customers'
            WHEN min(currency_code) <> max(currency_code) THEN 'currency:two_currencies' END AS fault
FROM scratch.heads WHERE fault IS NULL
GROUP BY store, receipt_number, store_no
