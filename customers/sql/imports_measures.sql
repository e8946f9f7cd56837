-- Quantities and amounts as they are written, read once. `minor` by the digits of the currency: null where the amount
-- is finer than its smallest unit.
CREATE UNLOGGED TABLE scratch.measures AS
WITH said AS MATERIALIZED (
    SELECT quantity, amount, quantity ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' AS has_quantity,
           amount ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' AS has_amount
    FROM (SELECT DISTINCT quantity, amount FROM scratch.staged WHERE NOT is_odd) pair
), read AS MATERIALIZED (
    SELECT *, CASE WHEN has_quantity THEN quantity::numeric END AS pieces, CASE WHEN has_amount THEN amount::numeric END AS money
    FROM said
)
SELECT quantity, amount, round(pieces, 3) AS pieces, pieces < 0 OR money < 0 AS is_return,
    CASE WHEN money = round(money, 0) THEN money::bigint END AS minor_0,
    CASE WHEN money = round(money, 2) THEN (money * 100)::bigint END AS minor_2,
    CASE WHEN money = round(money, 3) THEN (money * 1000)::bigint END AS minor_3,
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
    END AS fault
FROM read
