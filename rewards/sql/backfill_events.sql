-- The awards of all other customers and what their returns take back, in the order of their time, with the numbers and
-- balances that their entries get.
CREATE TEMPORARY TABLE backfill_events AS
SELECT nextval((SELECT pg_get_serial_sequence('rewards_pointsentry', 'id')::regclass)) AS id, event.*,
       account.last_seq + row_number() OVER past AS seq, account.balance + sum(event.points) OVER past AS balance_after
FROM (
    SELECT customer_id, purchased_at AS happened_at, false AS is_return, purchase_id, 0 AS return_id, points, breakdown,
           available_at, expires_at
    FROM backfill_awards
    UNION ALL
    SELECT customer_id, returned_at, true, purchase_id, return_id, -points,
           jsonb_build_object('asked', points, 'lapsed', 0, 'forgiven', 0), NULL, NULL
    FROM backfill_claims
) event
JOIN rewards_pointsaccount account USING (customer_id)
WHERE customer_id NOT IN (SELECT customer_id FROM backfill_in_turn)
WINDOW past AS (PARTITION BY event.customer_id ORDER BY happened_at, is_return, purchase_id, return_id)
