-- Every account of some parts whose books do not hold; no row when all is well. Read by rewards.domain.ledger.
WITH own_account AS MATERIALIZED (
    SELECT * FROM rewards_pointsaccount WHERE {part} = ANY (%(parts)s)
), own_lot AS MATERIALIZED (
    SELECT id, customer_id, entry_id, points, remaining FROM rewards_pointslot WHERE {part} = ANY (%(parts)s)
), own_entry AS MATERIALIZED (
    SELECT id, customer_id, seq, points, balance_after FROM rewards_pointsentry WHERE {part} = ANY (%(parts)s)
), lot_use AS (
    SELECT lot_id, sum(points) AS used FROM rewards_pointsallocation WHERE lot_id IN (SELECT id FROM own_lot) GROUP BY lot_id
), lots AS (
    SELECT lot.customer_id, sum(lot.remaining) AS remaining,
           count(*) FILTER (WHERE lot.points - lot.remaining <> coalesce(lot_use.used, 0)) AS wrong_lots
    FROM own_lot lot LEFT JOIN lot_use ON lot_use.lot_id = lot.id
    GROUP BY lot.customer_id
), entry_use AS (
    SELECT entry_id, sum(points) AS used
    FROM rewards_pointsallocation WHERE entry_id IN (SELECT id FROM own_entry) GROUP BY entry_id
), entry_lots AS (
    SELECT entry_id, sum(points) AS points
    FROM rewards_pointslot WHERE entry_id IN (SELECT id FROM own_entry) GROUP BY entry_id
), running AS (
    SELECT entry.customer_id, entry.seq, entry.points, entry.balance_after,
           sum(entry.points) OVER (PARTITION BY entry.customer_id ORDER BY entry.seq) AS balance,
           coalesce(entry_lots.points, 0) - coalesce(entry_use.used, 0) AS moved
    FROM own_entry entry
    LEFT JOIN entry_lots ON entry_lots.entry_id = entry.id
    LEFT JOIN entry_use ON entry_use.entry_id = entry.id
), entries AS (
    SELECT customer_id, sum(points) AS points, count(*) AS number, max(seq) AS last_seq, min(seq) AS first_seq,
           count(*) FILTER (WHERE balance_after <> balance) AS wrong_balances,
           count(*) FILTER (
               WHERE moved <> points + greatest(0, -balance_after) - greatest(0, points - balance_after)
           ) AS wrong_moves
    FROM running GROUP BY customer_id
), strangers AS (
    SELECT lot.customer_id, count(*) AS number
    FROM own_lot lot
    JOIN rewards_pointsentry entry ON entry.id = lot.entry_id AND entry.customer_id <> lot.customer_id
    GROUP BY lot.customer_id
    UNION ALL
    SELECT allocation.customer_id, count(*)
    FROM (SELECT * FROM rewards_pointsallocation WHERE {part} = ANY (%(parts)s)) allocation
    JOIN rewards_pointsentry entry ON entry.id = allocation.entry_id
    JOIN rewards_pointslot lot ON lot.id = allocation.lot_id
    WHERE allocation.customer_id <> entry.customer_id OR allocation.customer_id <> lot.customer_id
    GROUP BY allocation.customer_id
), strange AS (
    SELECT customer_id, sum(number) AS number FROM strangers GROUP BY customer_id
), hold_use AS (
    SELECT hold_id, sum(part.points) AS kept, bool_or(part.customer_id <> lot.customer_id) AS is_strange
    FROM rewards_pointsholdpart part JOIN rewards_pointslot lot ON lot.id = part.lot_id
    GROUP BY hold_id
), holds AS (
    SELECT hold.customer_id, count(*) AS wrong_holds
    FROM rewards_pointshold hold
    LEFT JOIN hold_use ON hold_use.hold_id = hold.id
    LEFT JOIN rewards_pointsentry entry ON entry.id = hold.entry_id
    WHERE hold.state <> 'RELEASED' AND (hold_use.kept IS DISTINCT FROM hold.points OR hold_use.is_strange)
       OR hold.state = 'CAPTURED' AND (entry.customer_id, entry.kind, entry.points)
                                      IS DISTINCT FROM (hold.customer_id, 'REDEEM', -hold.points)
    GROUP BY hold.customer_id
), merges AS (
    SELECT customer_id, number AS wrong_merges FROM points_merge_faults()
), proof AS (
    SELECT account.customer_id, account.balance, account.debt, account.last_seq,
           coalesce(entries.points, 0)::bigint AS entries_points, coalesce(entries.number, 0) AS entries_number,
           coalesce(entries.first_seq, 1) AS entries_first, coalesce(entries.last_seq, 0) AS entries_last,
           coalesce(entries.wrong_balances, 0) AS wrong_balances, coalesce(entries.wrong_moves, 0) AS wrong_moves,
           coalesce(lots.remaining, 0)::bigint AS lots_remaining, coalesce(lots.wrong_lots, 0) AS wrong_lots,
           coalesce(strange.number, 0)::bigint AS strange_rows, coalesce(holds.wrong_holds, 0) AS wrong_holds,
           coalesce(merges.wrong_merges, 0) AS wrong_merges
    FROM own_account account
    LEFT JOIN entries USING (customer_id)
    LEFT JOIN lots USING (customer_id)
    LEFT JOIN strange USING (customer_id)
    LEFT JOIN holds USING (customer_id)
    LEFT JOIN merges USING (customer_id)
)
SELECT customer.number, customer.merged_into_id IS NOT NULL AS is_merged, proof.*
FROM proof JOIN customers_customer customer ON customer.id = proof.customer_id
WHERE balance <> entries_points OR last_seq <> entries_number OR entries_last <> entries_number
   OR entries_first <> 1 OR wrong_balances > 0 OR wrong_moves > 0 OR lots_remaining <> balance + debt OR wrong_lots > 0
   OR strange_rows > 0 OR wrong_holds > 0 OR wrong_merges > 0
   OR customer.merged_into_id IS NOT NULL AND (balance <> 0 OR lots_remaining <> 0)
ORDER BY proof.customer_id
