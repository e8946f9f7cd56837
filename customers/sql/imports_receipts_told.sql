-- The receipts, each once, with the fault that lies between its rows. What gift cards paid stands in one row or in each;
-- null where it stands in none.
CREATE UNLOGGED TABLE scratch.receipts_told AS
SELECT store, receipt_number, store_no, min(reference) AS reference, min(instant) AS purchased_at,
       min(first_row) AS first_row, min(currency_code) AS currency,
       (max(gift) * 10::numeric ^ min(digits))::bigint AS gift_card_minor,
       CASE WHEN min(reference) <> max(reference) THEN 'customer:two_customers'
            WHEN min(currency_code) <> max(currency_code) THEN 'currency:two_currencies'
            WHEN min(gift) <> max(gift) THEN 'gift_card:two_gift_cards'
            WHEN max(gift) <> round(max(gift), min(digits)) THEN 'gift_card:amount_too_fine' END AS fault
FROM scratch.heads JOIN scratch.currencies currency ON currency.code = heads.currency_code
WHERE fault IS NULL
GROUP BY store, receipt_number, store_no
