-- Quantities, amounts and taxes as they are written, read once. `minor` and `tax` by the digits of the currency: null where the amount
-- is finer than its smallest unit.
CREATE UNLOGGED TABLE scratch.measures AS
WITH said AS MATERIALIZED (
    SELECT quantity, amount, tax, quantity ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' AS has_quantity,
           amount ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' AS has_amount,
           tax ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' AS has_tax
    FROM (SELECT DISTINCT quantity, amount, tax FROM scratch.staged WHERE NOT is_odd) pair
), read AS MATERIALIZED (
    SELECT *, CASE WHEN has_quantity THEN quantity::numeric END AS pieces, CASE WHEN has_amount THEN amount::numeric END AS money,
           CASE WHEN has_tax THEN tax::numeric END AS taxed
    FROM said
)
SELECT quantity, amount, tax, round(pieces, 3) AS pieces, pieces < 0 OR money < 0 AS is_return,
    CASE WHEN money = round(money, 0) THEN money::bigint END AS minor_0,
    CASE WHEN money = round(money, 2) THEN (money * 100)::bigint END AS minor_2,
    CASE WHEN money = round(money, 3) THEN (money * 1000)::bigint END AS minor_3,
    CASE WHEN taxed = round(taxed, 0) THEN taxed::bigint END AS tax_0,
    CASE WHEN taxed = round(taxed, 2) THEN (taxed * 100)::bigint END AS tax_2,
    CASE WHEN taxed = round(taxed, 3) THEN (taxed * 1000)::bigint END AS tax_3,
    CASE
        WHEN quantity = '' THEN 'quantity:missing'
        WHEN NOT has_quantity THEN 'quantity:not_a_number'
        WHEN pieces <> round(pieces, 3) THEN 'quantity:quantity_too_fine'
        WHEN abs(pieces) >= 1e9 THEN 'quantity:too_large'
        WHEN amount = '' THEN 'amount:missing'
        WHEN NOT has_amount THEN 'amount:not_a_number'
        WHEN abs(money) >= 1e10 THEN 'amount:too_large'
        WHEN pieces < 0 AND money > 0 THEN 'amount:signs_differ'
        WHEN pieces > 0 AND money < 0 THEN 'quantity:signs_differ'
        WHEN tax = '' THEN NULL
        WHEN NOT has_tax THEN 'tax:not_a_number'
        WHEN taxed * money < 0 OR abs(taxed) > abs(money) THEN 'tax:tax_exceeds'
    END AS fault
FROM read
