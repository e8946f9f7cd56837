-- What the books say of the customers %(customers)s since %(since)s and until %(at)s, and how much they owed then.
SELECT account.customer_id, coalesce(moved.awarded, 0)::bigint, coalesce(moved.taken_back, 0)::bigint,
       coalesce(moved.spent, 0)::bigint, (coalesce(moved.lapsed, 0) + coalesce(due.points, 0))::bigint,
       (account.balance + account.debt - coalesce(due.points, 0))::bigint, account.debt,
       (coalesce(lots.points, 0) - coalesce(moved.before, 0))::bigint
FROM rewards_pointsaccount account
CROSS JOIN LATERAL (
    SELECT sum(points) FILTER (WHERE happened_at < %(since)s) AS before,
           sum(points) FILTER (WHERE happened_at >= %(since)s AND kind = 'AWARD' AND reference LIKE 'purchase:%%')
               AS awarded,
           -sum(points) FILTER (WHERE happened_at >= %(since)s AND kind = 'CLAW_BACK') AS taken_back,
           -sum(points) FILTER (
               WHERE happened_at >= %(since)s AND points < 0 AND kind NOT IN ('CLAW_BACK', 'EXPIRE', 'MERGE')) AS spent,
           -sum(points) FILTER (WHERE happened_at >= %(since)s AND kind = 'EXPIRE') AS lapsed
    FROM rewards_pointsentry WHERE customer_id = account.customer_id
) moved
CROSS JOIN LATERAL (
    SELECT sum(remaining) AS points FROM rewards_pointslot
    WHERE customer_id = account.customer_id AND remaining > 0 AND expires_at <= %(at)s
) due
CROSS JOIN LATERAL (
    SELECT sum(lot.points - coalesce(used.points, 0)) AS points
    FROM rewards_pointslot lot
    JOIN rewards_pointsentry entry ON entry.id = lot.entry_id AND entry.happened_at < %(since)s
    CROSS JOIN LATERAL (
        SELECT sum(allocation.points) AS points
        FROM rewards_pointsallocation allocation JOIN rewards_pointsentry mover ON mover.id = allocation.entry_id
        WHERE allocation.lot_id = lot.id AND mover.happened_at < %(since)s
    ) used
    WHERE lot.customer_id = account.customer_id
) lots
WHERE account.customer_id = ANY (%(customers)s)
